// Own code, callees, and the event loop.

import { checkPrograms } from './check.ts';

checkPrograms(/^(cpu|recursion|classes|loop|server|then)/);
