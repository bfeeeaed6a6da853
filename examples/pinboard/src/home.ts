// The home page of a user as it was first written: right, and slower than it need be.

import type { RowDataPacket } from 'mysql2';
import { cached, db, keep, usersUrl } from './clients.ts';

export interface Home {
  user: string;
  boards: string[];
  pins: string[];
  following: number;
  suggestions: string[];
}

export async function loadHome(id: number): Promise<Home> {
  const user = await fetchUser(id);
  const boards = await loadBoards(id);
  const pinIds = await loadPinIds(id);
  const pins: string[] = [];
  for (const pinId of pinIds) {
    pins.push(await loadPin(pinId)); // one query a pin: the N+1
  }
  const following = await countFollowing(id); // these two do not need each other
  const suggestions = await suggestUsers(id);
  return { user, boards, pins, following, suggestions };
}

async function fetchUser(id: number): Promise<string> {
  const answer = await fetch(`${usersUrl}/users/${id}`);
  if (!answer.ok) throw new Error(`users service: ${answer.status}`);
  const { name } = (await answer.json()) as { name: string };
  return name;
}

// Boards change once in a month, and are read at every visit.
async function loadBoards(userId: number): Promise<string[]> {
  const [rows] = await db.query<RowDataPacket[]>('SELECT name FROM boards WHERE user_id = ? ORDER BY name', [userId]);
  return rows.map((row) => row['name'] as string);
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

async function loadPin(id: number): Promise<string> {
  const [rows] = await db.query<RowDataPacket[]>('SELECT title FROM pins WHERE id = ?', [id]);
  return rows[0]!['title'] as string;
}

async function countFollowing(userId: number): Promise<number> {
  const [rows] = await db.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM follows WHERE follower = ?', [userId]);
  return rows[0]!['n'] as number;
}

async function suggestUsers(userId: number): Promise<string[]> {
  const [rows] = await db.query<RowDataPacket[]>(
    `SELECT f2.followed AS id, COUNT(*) AS n FROM follows f1 JOIN follows f2 ON f2.follower = f1.followed
      WHERE f1.follower = ? GROUP BY f2.followed ORDER BY n DESC, id LIMIT 5`,
    [userId],
  );
  return rows.map((row) => `user ${row['id']}`);
}
