// Pools, queues, and opening a connection.

import { checkPrograms } from './check.ts';

checkPrograms(/^(pool|connect)/);
