// Installs the servers and the browser that the tests use, and the other Node versions, where they are missing.

import { majors, nodeBinary } from './nodes.ts';
import { installAll } from './servers.ts';

installAll();
for (const major of majors) nodeBinary(major);
