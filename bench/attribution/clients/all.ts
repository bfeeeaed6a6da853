// Every client set-up of the attribution bench, by its name in the table.

import type { Setups } from './client.ts';
import { grpc } from './grpc.ts';
import { http } from './http.ts';
import { messaging } from './messaging.ts';
import { mongodb } from './mongodb.ts';
import { redis } from './redis.ts';
import { sql } from './sql.ts';

export const clients: Setups = { ...sql, ...redis, ...mongodb, ...http, ...grpc, ...messaging };
