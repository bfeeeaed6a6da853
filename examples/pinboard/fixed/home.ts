// The home page after a look at where its time went: one query for the pins, boards from the cache, and what does
// not depend on each other asked at once.

import type { RowDataPacket } from 'mysql2';
import { cached, db, keep, usersUrl } from '../src/clients.ts';
import type { Home } from '../src/home.ts';

export async function loadHome(id: number): Promise<Home> {
  const [user, boards, pins, following, suggestions] = await Promise.all([
    fetchUser(id),
    loadBoards(id),
    loadPins(id),
    countFollowing(id),
    suggestUsers(id),
  ]);
  return { user, boards, pins, following, suggestions };
}

async function fetchUser(id: number): Promise<string> {
  const answer = await fetch(`${usersUrl}/users/${id}`);
  if (!answer.ok) throw new Error(`users service: ${answer.status}`);
  const { name } = (await answer.json()) as { name: string };
  return name;
}

async function loadBoards(userId: number): Promise<string[]> {
  const key = `user:${userId}:boards`;
  const hit = await cached(key);
  if (hit) return JSON.parse(hit) as string[];
  const [rows] = await db.query<RowDataPacket[]>('SELECT name FROM boards WHERE user_id = ? ORDER BY name', [userId]);
  const names = rows.map((row) => row['name'] as string);
  await keep(key, JSON.stringify(names), 3600);
  return names;
}

async function loadPins(userId: number): Promise<string[]> {
  const ids = await loadPinIds(userId);
  if (ids.length === 0) return [];
  const [rows] = await db.query<RowDataPacket[]>('SELECT id, title FROM pins WHERE id IN (?) ORDER BY id DESC', [ids]);
  return rows.map((row) => row['title'] as string);
}

async function loadPinIds(userId: number): Promise<number[]> {
  const key = `user:${userId}:pins`;
  const hit = await cached(key);
  if (hit) return JSON.parse(hit) as number[];
  const [rows] = await db.query<RowDataPacket[]>('SELECT id FROM pins WHERE user_id = ? ORDER BY id DESC LIMIT 20', [
    userId,
  ]);
  const ids = rows.map((row) => row['id'] as number);
  await keep(key, JSON.stringify(ids), 60);
  return ids;
}

async function countFollowing(userId: number): Promise<number> {
  const [rows] = await db.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM follows WHERE follower = ?', [userId]);
  return rows[0]!['n'] as number;
}

async function suggestUsers(userId: number): Promise<string[]> {
  const key = `user:${userId}:suggestions`;
  const hit = await cached(key);
  if (hit) return JSON.parse(hit) as string[];
  const [rows] = await db.query<RowDataPacket[]>(
    `SELECT f2.followed AS id, COUNT(*) AS n FROM follows f1 JOIN follows f2 ON f2.follower = f1.followed
      WHERE f1.follower = ? GROUP BY f2.followed ORDER BY n DESC, id LIMIT 5`,
    [userId],
  );
  const names = rows.map((row) => `user ${row['id']}`);
  await keep(key, JSON.stringify(names), 600);
  return names;
}
