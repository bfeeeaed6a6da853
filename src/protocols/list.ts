// The protocols that are recognised, in the order in which they are asked. Adding one is its folder and a line here.

import { amqp } from './amqp/decoder.ts';
import type { Protocol } from './decoder.ts';
import { http } from './http1/decoder.ts';
import { memcached } from './memcached/decoder.ts';
import { mongodb } from './mongodb/decoder.ts';
import { mqtt } from './mqtt/decoder.ts';
import { mysql } from './mysql/decoder.ts';
import { nats } from './nats/decoder.ts';
import { postgresql } from './postgresql/decoder.ts';
import { redis } from './redis/decoder.ts';

export const protocols: readonly Protocol[] = [http, mysql, postgresql, redis, memcached, amqp, mongodb, nats, mqtt];
