// What may and what may not become part of an operation's name, from keys and from paths.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyPattern, keyPatternOf, nameWithKey } from './key.ts';
import { pathPattern } from './path.ts';

/** Data that identifies somebody or something, as programs put it in keys and paths. */
const hex = (length: number) => fc.array(fc.integer({ min: 0, max: 15 }), { minLength: length, maxLength: length });
const secrets = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  hex(32).map((digits) => digits.map((digit) => digit.toString(16)).join('')),
  fc.uint8Array({ minLength: 18, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  fc.tuple(fc.constantFrom('bob', 'alice.smith', 'x+y'), fc.domain()).map(([name, host]) => `${name}@${host}`),
  fc.integer({ min: 10_000 }).map(String),
  fc.ipV4(),
  fc
    .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  fc.string({ unit: fc.constantFrom('ä', '漢', 'é', '😀'), minLength: 3, maxLength: 10 }),
);

const runs = { numRuns: 5000, seed: 7 };

/** No five letters or digits in a row of the secret are left. */
function holdsNone(name: string, secret: string): void {
  for (let i = 0; i + 5 <= secret.length; i++) {
    const part = secret.slice(i, i + 5);
    assert.ok(!/^[\p{L}\p{N}]+$/u.test(part) || !name.includes(part), `${name} shows ${part} of ${secret}`);
  }
}

test('a key keeps its words and drops its data', () => {
  for (const [key, pattern] of [
    ['user:123:feed', 'user:?:feed'],
    ['user:alice', 'user:?'],
    ['feed', 'feed'],
    ['{user1000}.friends', '{?}.friends'],
    ['sess_9f3ac01b', 'sess_?'],
    ['bob@example.com', '?'],
    ['mail:bob@example.com:inbox', 'mail:?:inbox'],
    ['rate:127.0.0.1', 'rate:?'],
    ['2024-01-02', '?'],
    ['pins/12/comments', 'pins/?/comments'],
    ['app:v2:user:42', 'app:v2:user:?'],
    ['userFeed:12', 'userFeed:?'],
    ['admin:settings:42', 'admin:settings:?'],
    ['', '?'],
    ['::', '?'],
  ] as const)
    assert.equal(keyPatternOf(key), pattern, key);
});

test('a path keeps its words and drops ids and the query', () => {
  for (const [path, route] of [
    ['/', '/'],
    ['/users/9f3ac01b/pins/12?q=secret', '/users/:id/pins/:id'],
    ['/home#secret', '/home'],
    ['http://host:80/a/7?b', '/a/:id'],
    ['http://host', '/'],
    ['*', '*'],
    ['/api/v2/getUserById', '/api/v2/getUserById'],
    ['/index.html', '/index.html'],
    ['/static/app.9f3ac1.js', '/static/:id'],
    ['/projects/dashboard/admin/', '/projects/dashboard/admin/'],
    ['/oauth2/token', '/oauth2/token'],
    ['/a%20b/c', '/:id/c'],
  ] as const)
    assert.equal(pathPattern(path), route, path);
});

test('no secret survives in a key, wherever it stands', () => {
  fc.assert(
    fc.property(secrets, fc.constantFrom(':', '/', '.', '_', '-', '|', '#'), (secret, separator) => {
      for (const key of [secret, `user${separator}${secret}`, `user:${secret}${separator}feed`, `${secret}:feed`]) {
        const bytes = new Uint8Array(Buffer.from(key));
        const pattern = keyPattern(bytes, 0, bytes.length);
        holdsNone(pattern, secret);
        assert.match(pattern, /^[ -~]{1,250}$/);
      }
    }),
    runs,
  );
});

test('no secret survives in a path, wherever it stands', () => {
  fc.assert(
    fc.property(secrets, (secret) => {
      for (const path of [
        `/${secret}`,
        `/users/${secret}/pins`,
        `/pins?token=${secret}`,
        `/${encodeURIComponent(secret)}`,
      ])
        holdsNone(pathPattern(path), secret);
    }),
    runs,
  );
});

test('any bytes give a short printable name', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      assert.match(keyPattern(bytes, 0, bytes.length), /^[ -~]{1,250}$/);
      const path = pathPattern(`/${Buffer.from(bytes).toString('latin1')}`);
      assert.match(path, /^\/[ -~…]*$/);
    }),
    runs,
  );
});

test('a name is the same whatever was named before it', () => {
  const piece = fc.constantFrom('user', ':', ':', '7', '42', '1234567890123456', '-', 'v1', '.', 'feed', '');
  const keys = fc.array(fc.array(piece, { maxLength: 12 }), { maxLength: 30 });
  fc.assert(
    fc.property(keys, (several) => {
      for (const pieces of several) {
        const bytes = Buffer.from(`..${pieces.join('')}`);
        for (const name of ['GET', 'set']) {
          const expected = `${name} ${keyPattern(bytes, 2, bytes.length)}`;
          assert.equal(nameWithKey(name, bytes, 2, bytes.length), expected, String(bytes));
        }
      }
    }),
    runs,
  );
});
