// The servers that the pinboard needs, started on free ports and filled: MariaDB, memcached, Redis.

import mysql from 'mysql2/promise';
import { createClient } from 'redis';
import { freePort, type Server, startMariadb, startMemcached, startRedis } from '../../scripts/servers.ts';

export interface Stack {
  /** What the pinboard reads from its environment. */
  readonly env: Record<string, string>;
  readonly mariadb: Server;
  readonly memcached: Server;
  readonly redis: Server;
  stop(): Promise<void>;
}

export async function startStack(): Promise<Stack> {
  const [mariadb, memcached, redis] = await Promise.all([startMariadb(), startMemcached(), startRedis()]);
  const stop = async () => {
    await Promise.all([mariadb.stop(), memcached.stop(), redis.stop()]);
  };
  try {
    await Promise.all([fillMariadb(mariadb.port), fillRedis(redis.port)]);
  } catch (error) {
    await stop();
    throw error;
  }
  const env = {
    MYSQL_PORT: String(mariadb.port),
    MEMCACHED_PORT: String(memcached.port),
    REDIS_PORT: String(redis.port),
    USERS_PORT: String(await freePort()),
    FEED_PORT: String(await freePort()),
  };
  return { env, mariadb, memcached, redis, stop };
}

async function fillMariadb(port: number): Promise<void> {
  const db = await mysql.createConnection({
    host: '127.0.0.1',
    port,
    user: 'root',
    database: 'pins',
    multipleStatements: true,
  });
  await db.query(`
    CREATE TABLE boards (id INT PRIMARY KEY AUTO_INCREMENT, user_id INT NOT NULL, name VARCHAR(80) NOT NULL);
    CREATE TABLE pins (id INT PRIMARY KEY AUTO_INCREMENT, user_id INT NOT NULL, title VARCHAR(120) NOT NULL, KEY (user_id));
    CREATE TABLE follows (follower INT NOT NULL, followed INT NOT NULL, PRIMARY KEY (follower, followed));
    INSERT INTO boards (user_id, name) SELECT 1 + seq % 200, CONCAT('board ', seq) FROM seq_1_to_20000;
    INSERT INTO pins (user_id, title) SELECT 1 + seq % 200, CONCAT('pin ', seq) FROM seq_1_to_8000;
    INSERT IGNORE INTO follows SELECT 1 + seq % 200, 1 + (seq * 31 + seq DIV 200) % 200 FROM seq_1_to_6000;
  `);
  await db.end();
}

async function fillRedis(port: number): Promise<void> {
  const redis = createClient({ socket: { host: '127.0.0.1', port } });
  await redis.connect();
  await Promise.all(Array.from({ length: 200 }, (_, i) => redis.hSet(`user:${i + 1}`, 'name', `user ${i + 1}`)));
  await redis.quit();
}
