// Connections to the services that the feed uses, from the environment.

import memjs from 'memjs';
import mysql from 'mysql2/promise';

export const db = mysql.createPool({
  host: '127.0.0.1',
  port: Number(process.env['MYSQL_PORT']),
  user: 'root',
  database: 'pins',
  connectionLimit: 8,
});

const memcached = memjs.Client.create(`127.0.0.1:${process.env['MEMCACHED_PORT']}`);

export async function cached(key: string): Promise<string | undefined> {
  const { value } = await memcached.get(key);
  return value?.toString();
}

export async function keep(key: string, value: string, seconds: number): Promise<void> {
  await memcached.set(key, value, { expires: seconds });
}

export const usersUrl = `http://127.0.0.1:${process.env['USERS_PORT']}`;
