// Timers, retries, streams, and whatever else lets a function go on.

import { checkPrograms } from './check.ts';

checkPrograms(/^(timers|retry|stream|other|woken)/);
