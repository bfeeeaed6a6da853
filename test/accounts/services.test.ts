// Services, one or several at once, and what merely went on meanwhile.

import { checkPrograms } from './check.ts';

checkPrograms(/^(service|together|touching|forgotten)/);
