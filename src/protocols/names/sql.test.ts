import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Dialect,
  mysql,
  mysqlNoBackslashEscapes,
  nameChannel,
  nameSql,
  nameSqlIn,
  postgresql,
  postgresqlBackslash,
} from './sql.ts';

const check = (dialect: Dialect, cases: Record<string, string>) => {
  for (const [sql, operation] of Object.entries(cases)) assert.equal(nameSql(sql, dialect).operation, operation, sql);
};
const statement = (sql: string, dialect = mysql) => nameSql(sql, dialect).statement;

test('a query is named by its verb, its tables and its WHERE clause', () => {
  check(mysql, {
    'SELECT id FROM pins WHERE user_id = 7 ORDER BY id LIMIT 3': 'SELECT pins WHERE user_id = ?',
    'select * from pins': 'SELECT pins',
    'SELECT 1': 'SELECT ?',
    'SELECT NOW()': 'SELECT NOW()',
    'INSERT INTO pins (id) VALUES (1), (2)': 'INSERT pins',
    'insert ignore into `db`.`pins` set a = 1': 'INSERT db.pins',
    'REPLACE INTO pins VALUES (1)': 'REPLACE pins',
    'UPDATE users SET n = 3 WHERE id = 4': 'UPDATE users WHERE id = ?',
    'UPDATE a JOIN b ON a.x = b.x SET a.y = 1 WHERE b.z = 2': 'UPDATE a, b WHERE b.z = ?',
    'DELETE FROM pins WHERE id IN (1, 2, 3) LIMIT 5': 'DELETE pins WHERE id IN (?)',
    'SELECT u.* FROM users u LEFT JOIN pins p ON p.u = u.id WHERE u.id = 1': 'SELECT users, pins WHERE u.id = ?',
    'SELECT * FROM a AS x, b WHERE x.id = 1': 'SELECT a, b WHERE x.id = ?',
    'SELECT * FROM (SELECT * FROM inside WHERE z = 1) q WHERE q.y = 2': 'SELECT inside WHERE q.y = ?',
    'SELECT * FROM a UNION SELECT * FROM b': 'SELECT a, b',
    '(SELECT * FROM a WHERE x = 1) UNION (SELECT * FROM b)': 'SELECT a WHERE x = ?',
    'EXPLAIN SELECT * FROM t WHERE a = 1': 'EXPLAIN SELECT t WHERE a = ?',
  });
  check(postgresql, {
    'SELECT "a" FROM "public"."Users" WHERE "id" = $1': 'SELECT public.Users WHERE id = ?',
    'WITH x AS (SELECT * FROM base WHERE k = 1) SELECT * FROM x WHERE n = 2': 'SELECT base WHERE n = ?',
    'WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x': 'INSERT t',
    'SELECT * FROM generate_series(1, 10)': 'SELECT generate_series',
    'SELECT EXTRACT(year FROM at) FROM pins': 'SELECT pins',
    'SELECT a IS DISTINCT FROM b FROM t': 'SELECT t',
    'UPDATE ONLY t SET a = 1 FROM u WHERE t.id = u.id RETURNING t.id': 'UPDATE t, u WHERE t.id = u.id',
    "SELECT * FROM t WHERE tags && ARRAY['a', 'b']": 'SELECT t WHERE tags && ARRAY[?]',
  });
});

test('other statements are named by what they act on', () => {
  check(mysql, {
    BEGIN: 'BEGIN',
    'start transaction': 'START TRANSACTION',
    'COMMIT;': 'COMMIT',
    'ROLLBACK TO SAVEPOINT trx7': 'ROLLBACK TO SAVEPOINT',
    'SAVEPOINT trx7': 'SAVEPOINT',
    'CALL proc(1, 2)': 'CALL proc',
    'USE `pins`': 'USE pins',
    'SET NAMES utf8mb4': 'SET NAMES',
    'SET autocommit = 0': 'SET autocommit',
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED': 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    'SHOW TABLES LIKE "x%"': 'SHOW TABLES LIKE ?',
    'CREATE TABLE IF NOT EXISTS `t` (id int)': 'CREATE TABLE t',
    'CREATE UNIQUE INDEX i ON t (a)': 'CREATE INDEX i',
    'DROP TABLE IF EXISTS t': 'DROP TABLE t',
    'TRUNCATE t': 'TRUNCATE t',
    "CREATE USER 'x'@'%' IDENTIFIED BY 'secret'": 'CREATE USER',
    'LOAD DATA LOCAL INFILE "/x" INTO TABLE t': 'LOAD DATA t',
    'CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END': 'CREATE PROCEDURE p',
    'SELECT 1; UPDATE t SET a = 1 WHERE b = 2; COMMIT': 'SELECT ?; UPDATE t WHERE b = ?; COMMIT',
    'my password is hunter2': 'unknown statement',
  });
  check(postgresql, {
    'LISTEN user_42': 'LISTEN user_?',
    "NOTIFY ch, 'x'": 'NOTIFY ch',
    'COPY t (a) FROM STDIN': 'COPY t',
    'DO $$ BEGIN PERFORM 1; END $$': 'DO',
  });
  assert.equal(nameChannel('orders_2024_07'), 'orders_?_?');
});

test('equal statements with other values, lists and spaces have one name', () => {
  assert.deepEqual(
    nameSql('select *\n\tfrom t where a in (1)  and b=-2 -- x', mysql),
    nameSql("select * from t where a in (7,  8 , 'x') and b = 3 /* y */", mysql),
  );
  assert.equal(statement('INSERT INTO t VALUES (1, NOW()), (2, NOW())'), 'INSERT INTO t VALUES (?)');
  assert.equal(
    statement('INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)'),
    'INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES(a)',
  );
  assert.equal(statement('SELECT a-1, a - -1, .5, 1e-5, 0xff FROM t'), 'SELECT a - ?, a - ?, ?, ?, ? FROM t');
});

test('comments are left out, the code in /*! … */ is not', () => {
  assert.equal(statement('SELECT /*! STRAIGHT_JOIN */ a /* b */ FROM t # c'), 'SELECT STRAIGHT_JOIN a FROM t');
  assert.equal(statement('SELECT 5--3 FROM t'), 'SELECT ? - ? FROM t');
  assert.equal(statement('SELECT a /* b /* c */ d */ FROM t', postgresql), 'SELECT a FROM t');
  assert.equal(statement("SELECT a FROM t -- it's\nWHERE b = 1"), 'SELECT a FROM t WHERE b = ?');
});

test('names are short and made in bounded time', () => {
  const long = `SELECT ${'a, '.repeat(5000)} b FROM t WHERE ${'c = 1 OR '.repeat(5000)} d = 2`;
  const name = nameSql(long, mysql);
  assert.ok(name.operation.length <= 120 && name.statement.length <= 2000);
  for (const piece of [
    '(',
    '/*',
    "'",
    '"',
    '`',
    '$a$',
    '[',
    'VALUES (',
    'IN (',
    'a,',
    '-',
    'FROM ',
    ';',
    '\\',
    '\u0001"',
  ]) {
    const huge = piece.repeat(10_000_000 / piece.length);
    for (const dialect of [mysql, postgresql]) {
      const { operation, statement } = nameSql(`SELECT ${huge}`, dialect);
      assert.ok(operation.length <= 120 && statement.length <= 2000, piece);
    }
  }
});

// A secret is a text that occurs nowhere else. It is put in every position where a value can stand.
const secret = 'Zq7Secret';
const plain = fc.string({
  unit: fc.constantFrom('a', ' ', "'", '"', '\\', '`', '$', ';', '-', '/', '*', '#', '\n', 'é', '('),
});
const doubled = (text: string, quote: string) => text.replaceAll(quote, quote + quote);
const escaped = (text: string) => text.replaceAll('\\', '\\\\');

/** Ways to write a string with the secret in it; every one a whole, valid literal. */
const literals: Record<string, { dialects: Dialect[]; write: (text: string) => string }> = {
  single: { dialects: [mysqlNoBackslashEscapes, postgresql], write: (s) => `'${doubled(s, "'")}'` },
  'single, escaped': {
    dialects: [mysql, postgresqlBackslash],
    write: (s) => `'${doubled(escaped(s), "'")}'`,
  },
  'backslash before the quote': {
    dialects: [mysql, postgresqlBackslash],
    write: (s) => `'${escaped(s).replaceAll("'", "\\'")}'`,
  },
  double: { dialects: [mysql], write: (s) => `"${doubled(escaped(s), '"')}"` },
  'double, no backslash': { dialects: [mysqlNoBackslashEscapes], write: (s) => `"${doubled(s, '"')}"` },
  national: { dialects: [mysql], write: (s) => `N'${doubled(escaped(s), "'")}'` },
  charset: { dialects: [mysql], write: (s) => `_utf8mb4'${doubled(escaped(s), "'")}'` },
  'E string': { dialects: [postgresql, postgresqlBackslash], write: (s) => `E'${doubled(escaped(s), "'")}'` },
  'U& string': { dialects: [postgresql], write: (s) => `U&'${doubled(s, "'")}'` },
  dollars: { dialects: [postgresql], write: (s) => `$$${s.replaceAll('$', '')}$$` },
  'tagged dollars': { dialects: [postgresql], write: (s) => `$tag$${s.replaceAll('$', '$ ')}$tag$` },
  comment: {
    dialects: [mysql, mysqlNoBackslashEscapes, postgresql],
    write: (s) => `/* ${s.replaceAll('*', '').replaceAll('/', '')} */ 1`,
  },
  'line comment': { dialects: [mysql, postgresql], write: (s) => `-- ${s.replaceAll('\n', '')}\n 1` },
};

const places = [
  (v: string) => `SELECT ${v}`,
  (v: string) => `SELECT ${v}, ${v} FROM t WHERE a = ${v} AND b = 1 ORDER BY c`,
  (v: string) => `SELECT * FROM t WHERE a IN (${v}, ${v}) AND f(${v}) LIKE ${v}`,
  (v: string) => `INSERT INTO t (a, b) VALUES (${v}, f(${v})), (${v}, 2)`,
  (v: string) => `UPDATE t SET a = ${v}, b = b || ${v} WHERE c = ${v}`,
  (v: string) => `CALL p(${v})`,
  (v: string) => `SET a = ${v}; SELECT ${v}`,
  (v: string) => `SHOW TABLES LIKE ${v}`,
];

for (const [name, { dialects, write }] of Object.entries(literals)) {
  test(`a value survives in no name: ${name}`, () => {
    fc.assert(
      fc.property(plain, plain, fc.constantFrom(...dialects), fc.constantFrom(...places), (a, b, dialect, place) => {
        const name = nameSql(place(write(a + secret + b)), dialect);
        assert.ok(!`${name.operation}\n${name.statement}`.includes(secret), JSON.stringify(name));
        assert.ok(name.operation.length > 0);
      }),
      { seed: 1, numRuns: 400 },
    );
  });

  test(`nor when the statement is cut off: ${name}`, () => {
    fc.assert(
      fc.property(plain, fc.constantFrom(...dialects), fc.constantFrom(...places), fc.nat(), (a, dialect, place, n) => {
        const sql = place(write(a + secret));
        const name = nameSql(sql.slice(0, n % sql.length), dialect);
        assert.ok(!`${name.operation}\n${name.statement}`.includes(secret.slice(0, 4)), JSON.stringify(name));
      }),
      { seed: 2, numRuns: 400 },
    );
  });
}

test('numbers, hexadecimal and bit strings, and unquoted values of SET survive in no name', () => {
  for (const value of [
    '48151623',
    '4815.1623e-42',
    '0x48151623',
    "x'48151623'",
    "b'48151623'",
    '-48151623',
    '4815_1623',
  ]) {
    for (const place of places) {
      for (const dialect of [mysql, postgresql]) {
        const name = nameSql(place(value), dialect);
        assert.doesNotMatch(JSON.stringify(name), /4815|1623/, place(value));
      }
    }
  }
  assert.doesNotMatch(JSON.stringify(nameSql('SET app.token TO Zq7Secret', postgresql)), /Secret/);
  assert.doesNotMatch(JSON.stringify(nameSql('SET a = Zq7Secret, b = 1', mysql)), /Secret/);
});

test('any text at all gives a name of printable characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom(mysql, postgresql), (text, dialect) => {
      const { operation, statement } = nameSql(`SELECT ${text}`, dialect);
      for (const c of operation + statement) assert.ok(c >= ' ' && c !== '\x7f', JSON.stringify(operation));
    }),
    { seed: 3, numRuns: 2000 },
  );
});

test('a name is the same whatever was named before it', () => {
  const piece = fc.constantFrom(
    'SELECT a FROM t WHERE b = ',
    '1',
    '2',
    "'x'",
    '"x"',
    ' AND c = ',
    'SET n = ',
    '#',
    ';',
  );
  const dialects = [mysql, mysqlNoBackslashEscapes, postgresql, postgresqlBackslash];
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 5 }), { maxLength: 20 }), (several) => {
      for (const pieces of several) {
        const bytes = Buffer.from(pieces.join(''));
        for (const dialect of dialects) {
          assert.deepEqual(nameSqlIn(bytes, 0, bytes.length, dialect), nameSql(String(bytes), dialect), String(bytes));
        }
      }
    }),
  );
});
