// Real clients that say secrets in every place where a protocol has room for one: literals of every quoting, keys,
// values, URLs, headers, cookies, bodies, passwords, error messages. Each is told by its place: secret('place').
// `token` looks like data, `word` like a word that a programmer could have written.
import dgram from 'node:dgram';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { connect as connectAmqp } from 'amqplib';
import axios from 'axios';
import got from 'got';
import Redis from 'ioredis';
import memcached from 'memcached';
import memjs from 'memjs';
import { MongoClient } from 'mongodb';
import { connectAsync as connectMqtt } from 'mqtt';
import mysqlOfOld from 'mysql';
import mysql from 'mysql2/promise';
import { connect as connectNats, headers as natsHeaders, StringCodec } from 'nats';
import pg from 'pg';
import { createClient } from 'redis';
import WebSocket, { WebSocketServer } from 'ws';

const { words, tokens } = JSON.parse(process.env.SECRETS);
let nextWord = 0;
let nextToken = 0;
const word = () => words[nextWord++ % words.length];
const token = () => tokens[nextToken++ % tokens.length];

const refused = (promise) => promise.then(() => undefined).catch(() => 'refused');
const listen = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
const ended = (emitter) => new Promise((done) => emitter.once('close', done));

async function speakMysql() {
  const at = { host: '127.0.0.1', port: Number(process.env.MYSQL_PORT) };
  const root = await mysql.createConnection({
    ...at,
    user: 'root',
    database: 'pins',
    multipleStatements: true,
    connectAttributes: { note: word() },
  });
  await root.query(
    'CREATE TABLE IF NOT EXISTS plantedtable (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(200) UNIQUE)',
  );
  const [user, password] = [token(), word()];
  const statements = [
    `CREATE USER '${user}'@'%' IDENTIFIED BY '${password}'`,
    `GRANT ALL ON pins.* TO '${user}'@'%' IDENTIFIED BY '${password}'`,
    `SELECT id FROM plantedtable WHERE note = '${word()}'`,
    `SELECT id FROM plantedtable WHERE note = "${word()}"`,
    `SELECT id FROM plantedtable WHERE note = "say ""${word()}"" ${word()}"`,
    `SELECT id FROM plantedtable WHERE note = 'it''s ${word()}'`,
    `SELECT id FROM plantedtable WHERE note = 'it\\'s ${word()}'`,
    `SELECT id FROM plantedtable WHERE note = 'ends with \\\\' OR note = '${word()}'`,
    `SELECT id FROM plantedtable WHERE note = 'one' '${word()}'`,
    `SELECT id FROM plantedtable WHERE note = N'${word()}' OR note = _utf8mb4'${word()}' OR note = X'${hex(word())}' OR note = 0x${hex(word())}`,
    `SELECT id FROM plantedtable WHERE note LIKE '%${word()}%' OR note IN ('${word()}', '${word()}')`,
    `SELECT id FROM plantedtable /* ${word()} */ WHERE id = 1 -- ${word()}\n`,
    `SELECT id FROM plantedtable WHERE id = 1 # ${word()}`,
    `/*!50000 SELECT '${word()}' */`,
    `SELECT /*+ ${word()} */ id AS note FROM plantedtable WHERE note = concat('${word()}', ?)`,
    `INSERT INTO plantedtable (note) VALUES ('${word()}'), ("${word()}")`,
    `UPDATE plantedtable SET note = '${word()}' WHERE note = '${word()}'`,
    `SELECT 1; SELECT '${word()}'; SET @note = '${word()}'`,
    `SET PASSWORD FOR '${user}'@'%' = PASSWORD('${password}')`,
    `ALTER USER '${user}'@'%' IDENTIFIED BY '${password}'`,
    `CALL nothing('${word()}')`,
    `DO SLEEP(0) + LENGTH('${word()}')`,
    `EXPLAIN SELECT id FROM plantedtable WHERE note = '${word()}'`,
    `SHOW TABLES LIKE '${word()}'`,
    `PREPARE one FROM 'SELECT ''${word()}'''`,
    // Faults whose messages repeat what was said.
    `SELECT '${word()}' FROM nowhere WHERE`,
    `SELECT id FROM plantedtable WHERE note = '${word()}`,
    `SELECT id FROM plantedtable WHERE note = "${word()} \\`,
    `${word()} is no statement '${word()}'`,
    `SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${word()}'`,
  ];
  for (const statement of statements) await refused(root.query(statement));
  const twice = word();
  for (let i = 0; i < 2; i++) await refused(root.query('INSERT INTO plantedtable (note) VALUES (?)', [twice]));
  await root.execute('SELECT id FROM plantedtable WHERE note = ? OR id = ?', [word(), 7]);
  await refused(root.execute(`SELECT id FROM plantedtable WHERE note = '${word()}' AND id = ?`, [7]));
  // Literals that are cut where a statement is read no further, and longer than what is.
  const filling = (length) => `SELECT id FROM plantedtable WHERE id IN (${'1, '.repeat(length / 3)}1)`;
  for (const length of [1980, 3990, 16350, 16380, 65000])
    await refused(root.query(`${filling(length)} OR note = '${word()}' OR note = "${word()}"`));
  await refused(root.query(`SELECT '${'x '.repeat(9000)}${word()}' FROM plantedtable`));
  await refused(root.query(`SELECT note->'$.${word()}', note->>"$.${word()}" FROM plantedtable`));
  await refused(root.query(`LOAD DATA LOCAL INFILE '/nowhere/${word()}' INTO TABLE plantedtable`));
  await refused(root.query("SET sql_mode = 'NO_BACKSLASH_ESCAPES'"));
  await refused(root.query(`SELECT id FROM plantedtable WHERE note = 'one\\' OR note = '${word()}'`));
  await refused(root.changeUser({ user, password, database: 'pins' }));
  await root.end();
  const compressed = await mysql.createConnection({ ...at, user: 'root', database: 'pins', compress: true });
  await compressed.query(`SELECT id FROM plantedtable WHERE note = '${word()}'`);
  await compressed.query(`SELECT id FROM plantedtable WHERE note = '${'x'.repeat(200)}${word()}'`);
  await compressed.end();
  const old = mysqlOfOld.createConnection({ ...at, user: 'root', database: 'pins' });
  await new Promise((done) => old.query('SELECT id FROM plantedtable WHERE note = ?', [`it's "${word()}\\`], done));
  await new Promise((done) => old.end(done));
  const other = await mysql.createConnection({ ...at, user, password, database: 'pins' });
  await other.query('SELECT 1');
  await other.end();
  await refused(mysql.createConnection({ ...at, user, password: word(), database: 'pins' }));
}

const hex = (text) => Buffer.from(text).toString('hex');

async function speakPostgres() {
  const at = { host: '127.0.0.1', port: Number(process.env.POSTGRES_PORT), database: 'postgres' };
  const root = new pg.Client({ ...at, user: 'postgres', application_name: word() });
  root.on('notification', () => {});
  await root.connect();
  await root.query('CREATE TABLE IF NOT EXISTS plantedtable (id SERIAL PRIMARY KEY, note TEXT UNIQUE)');
  const [scram, plain, password] = ['scram_user', 'plain_user', word()];
  const tag = token().replace(/[^a-zA-Z]/g, '');
  const statements = [
    `CREATE ROLE ${scram} LOGIN PASSWORD '${password}'`,
    `CREATE ROLE ${plain} LOGIN PASSWORD '${password}'`,
    `ALTER ROLE ${plain} WITH PASSWORD '${password}'`,
    `SELECT id FROM plantedtable WHERE note = '${word()}'`,
    `SELECT id FROM plantedtable WHERE note = 'it''s ${word()}'`,
    `SELECT id FROM plantedtable WHERE note = 'a backslash \\' OR note = '${word()}'`,
    `SELECT id FROM plantedtable WHERE note = E'it\\'s ${word()}'`,
    `SELECT id FROM plantedtable WHERE note = U&'${word()}' OR note = N'${word()}'`,
    `SELECT id FROM plantedtable WHERE note = $$${word()}$$`,
    `SELECT id FROM plantedtable WHERE note = $${tag}$it's ${word()} $$ ${word()}$${tag}$`,
    `SELECT id FROM plantedtable WHERE note = 'one'\n  '${word()}'`,
    `SELECT id FROM plantedtable /* ${word()} /* ${word()} */ ${word()} */ WHERE id = 1 -- ${word()}`,
    `SELECT id FROM plantedtable WHERE note ~* '${word()}' AND id = ANY ('{1,2}') AND '{"a":"${word()}"}'::jsonb ? 'a'`,
    `INSERT INTO plantedtable (note) VALUES ('${word()}'), ($$${word()}$$) RETURNING note`,
    `DO $do$ BEGIN RAISE EXCEPTION '${word()}'; END $do$`,
    `DO $do$ BEGIN RAISE NOTICE '${word()}'; END $do$`,
    `SELECT CAST('${word()}' AS INT)`,
    `SELECT '${word()}' FROM nowhere`,
    `SELECT id FROM plantedtable WHERE note = '${word()}`,
    `SELECT id FROM plantedtable WHERE note = $$${word()}`,
    `${word()} is no statement '${word()}'`,
    `SET application_name = '${word()}'`,
    `SET application_name TO ${word()}`,
    `SELECT set_config('application_name', '${word()}', false)`,
    `LISTEN news`,
    `NOTIFY news, '${word()}'`,
    `COMMENT ON TABLE plantedtable IS '${word()}'`,
    `CREATE USER MAPPING FOR postgres SERVER nowhere OPTIONS (user 'a', password '${password}')`,
    `PREPARE one AS SELECT '${word()}'`,
    `EXECUTE one('${word()}')`,
    `COPY (SELECT '${word()}') TO STDOUT`,
    `DECLARE c CURSOR FOR SELECT '${word()}'`,
    `SELECT 1; SELECT '${word()}'`,
  ];
  for (const statement of statements) await refused(root.query(statement));
  const twice = word();
  for (let i = 0; i < 2; i++) await refused(root.query('INSERT INTO plantedtable (note) VALUES ($1)', [twice]));
  await root.query({ name: word(), text: 'SELECT id FROM plantedtable WHERE note = $1', values: [word()] });
  await refused(root.query({ text: `SELECT id FROM plantedtable WHERE note = '${word()}' OR id = $1`, values: [1] }));
  await root.end();
  for (const user of [scram, plain]) {
    for (const said of [password, word()]) {
      const other = new pg.Client({ ...at, user, password: said });
      other.on('error', () => {});
      const asked = other.connect().then(() => other.query('SELECT 1'));
      if (said === password) await asked;
      else await refused(asked);
      await other.end().catch(() => undefined);
    }
  }
}

async function speakRedis() {
  const socket = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT), reconnectStrategy: false };
  const first = createClient({ socket });
  await first.connect();
  const [user, password] = [token(), word()];
  await first.sendCommand(['ACL', 'SETUSER', user, 'on', `>${password}`, '~*', '&*', '+@all']);
  await first.sendCommand(['CONFIG', 'SET', 'requirepass', password]);
  await first.close();
  for (const options of [
    { password },
    { username: user, password },
    { password, RESP: 2 },
    { username: user, password: word() },
  ]) {
    const client = createClient({ ...options, socket, name: token() });
    client.on('error', () => {});
    if (options.password !== password) {
      await refused(client.connect());
      continue;
    }
    await client.connect();
    const commands = [
      ['SET', `plantedkey:${token()}`, word()],
      ['GET', `plantedkey:${word()}`],
      ['GET', `plantedkey:${token()}:home`],
      ['GET', token()],
      ['GET', `${token()}@example.com`],
      ['MSET', `a:${token()}`, word(), `b:${token()}`, word()],
      ['HSET', `h:${token()}`, word(), word()],
      ['LPUSH', `l:${token()}`, word(), word()],
      ['XADD', `x:${token()}`, '*', word(), word()],
      ['EVAL', `return '${word()}'`, '1', `k:${token()}`, word()],
      ['EVAL', `return redis.error_reply('${word()} ${word()}')`, '0'],
      ['EVAL', `return redis.error_reply('${token()} ${word()}')`, '0'],
      ['EVAL', `error('${word()}')`, '0'],
      ['EVAL', `this is no Lua ${word()}`, '0'],
      ['ECHO', word()],
      ['PUBLISH', `news:${token()}`, word()],
      ['AUTH', user, word()],
      ['CONFIG', 'SET', 'requirepass', password],
      ['CONFIG', 'SET', word(), word()],
      ['CLIENT', word()],
      ['CLIENT', 'SETNAME', token()],
      ['INCR', `plantedkey:${word()}`, word()],
      ['SORT', `l:${token()}`, 'BY', `${word()}_*`],
    ];
    for (const command of commands) await refused(client.sendCommand(command));
    const subscriber = client.duplicate();
    subscriber.on('error', () => {});
    await subscriber.connect();
    const channel = `news:${token()}`;
    const heard = new Promise((done) =>
      subscriber.subscribe(channel, done).then(() => client.publish(channel, word())),
    );
    await heard;
    await subscriber.close();
    await client.multi().set(`m:${token()}`, word()).get(`m:${token()}`).exec();
    await client.close();
  }
}

async function speakIoredis() {
  const at = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT), lazyConnect: true, retryStrategy: () => null };
  const client = new Redis({ ...at, username: 'other', password: word(), connectionName: token() });
  client.on('error', () => {});
  await refused(client.connect());
  await refused(client.set(`plantedkey:${token()}`, word()));
  await refused(client.pipeline().get(`a:${token()}`).hset(`h:${token()}`, word(), word()).exec());
  await refused(client.xread('COUNT', 1, 'STREAMS', `x:${token()}`, '0'));
  await refused(client.evalsha(word(), 1, `k:${token()}`, word()));
  await refused(client.call('PLANTED.COMMAND', word(), token()));
  client.disconnect();
}

async function speakMemcached() {
  const server = `127.0.0.1:${process.env.MEMCACHED_PORT}`;
  const binary = memjs.Client.create(server);
  await binary.set(`plantedcache:${token()}`, word(), { expires: 60 });
  await binary.get(`plantedcache:${word()}`);
  await binary.get(token());
  binary.close();
  const withPassword = memjs.Client.create(server, { username: token(), password: word(), retries: 1, timeout: 1 });
  await refused(withPassword.get(`plantedcache:${token()}`));
  withPassword.close();
  const text = new memcached(server);
  const ask = (method, ...args) => new Promise((done) => text[method](...args, done));
  await ask('set', `plantedcache:${token()}`, word(), 60);
  await ask('get', `plantedcache:${token()}`);
  await ask('incr', `plantedcache:${word()}`, 1);
  await ask('touch', `plantedcache:${token()}`, 10);
  text.end();
}

/** Says secrets to a server of our own, which says some too. */
async function speakHttp() {
  const server = http.createServer((request, response) => {
    request.resume();
    response.statusCode = request.url.includes('broken') ? 500 : 200;
    response.statusMessage = word();
    response.setHeader('set-cookie', `session=${word()}; HttpOnly`);
    response.setHeader('x-answer', word());
    response.end(JSON.stringify({ password: word() }));
  });
  const port = await listen(server);
  const url = `http://127.0.0.1:${port}`;
  const headers = () => ({
    authorization: `Bearer ${word()}`,
    cookie: `session=${word()}`,
    'x-api-key': token(),
    [`x-${word()}`]: 'name',
  });
  const body = () => JSON.stringify({ password: word(), text: 'GET /body HTTP/1.1\r\n\r\n' });
  for (const path of ['/plantedpath/', '/broken/', '/api/v1/users/']) {
    const target = `${url}${path}${token()}?token=${word()}&${word()}=1#${word()}`;
    await (await fetch(target, { headers: headers() })).text();
    await (await fetch(target, { method: 'POST', headers: headers(), body: body() })).text();
    await fetch(`${url}${path}${encodeURIComponent(`${token()}@example.com`)};v=${token()}`).then((a) => a.text());
    await new Promise((done, fail) => {
      const options = { headers: headers(), auth: `${token()}:${word()}`, method: 'PUT' };
      const request = http.request(target, options, (answer) => answer.resume().once('end', done));
      request.once('error', fail);
      request.end(body());
    });
  }
  const target = () => `${url}/plantedpath/${token()}?q=${word()}`;
  await axios.post(target(), { password: word() }, { headers: headers(), params: { [word()]: word() } });
  await got(target(), { headers: headers(), username: token(), password: word(), form: { a: word() }, method: 'POST' });
  // WebSocket, a tunnel with a password, and what is no request.
  server.on('upgrade', (_request, socket) => {
    socket.end(`HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n${word()}`);
  });
  server.on('connect', (_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.on('data', () => socket.end(word()));
  });
  for (const head of [
    `GET /plantedpath/${token()} HTTP/1.1\r\nupgrade: x\r\nconnection: upgrade`,
    `CONNECT ${token()}.example:443 HTTP/1.1\r\nproxy-authorization: Basic ${word()}`,
    `GET /${token()} ${word()} HTTP/1.1`,
    `${word()} /${token()} HTTP/1.1`,
    `${word().toUpperCase()} /${token()} HTTP/1.1`,
    `GET http://${token()}:${word()}@127.0.0.1/plantedpath/${token()} HTTP/1.1`,
  ]) {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(`${head}\r\nhost: ${word()}\r\n\r\n${word()}`));
    socket.on('error', () => {});
    socket.on('data', () => socket.end(word()));
    await ended(socket);
  }
  server.close();
  server.closeAllConnections();
}

async function speakGrpc() {
  const { pins } = grpc.loadPackageDefinition(loadSync(fileURLToPath(new URL('pins.proto', import.meta.url))));
  const server = new grpc.Server();
  server.addService(pins.Pins.service, {
    getPin(call, done) {
      const metadata = new grpc.Metadata();
      metadata.set('x-answer', word());
      if (call.request.id === 0) done({ code: grpc.status.NOT_FOUND, message: word(), metadata });
      else done(null, { id: call.request.id, title: word() });
    },
  });
  const port = await new Promise((done) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, bound) => done(bound)),
  );
  const client = new pins.Pins(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  for (const id of [0, 1]) {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${word()}`);
    await new Promise((done) => client.getPin({ id }, metadata, done));
  }
  client.close();
  server.forceShutdown();
}

async function speakHttp2() {
  const server = http2.createServer((_request, response) => {
    response.setHeader('x-answer', word());
    response.end(word());
  });
  const session = http2.connect(`http://127.0.0.1:${await listen(server)}`);
  for (const method of ['GET', 'POST']) {
    const stream = session.request({
      ':method': method,
      ':path': `/plantedstream/${token()}?${word()}=${word()}`,
      authorization: `Bearer ${word()}`,
    });
    stream.end(method === 'POST' ? word() : undefined);
    stream.resume();
    await ended(stream);
  }
  session.close();
  await ended(session);
  server.close();
}

async function speakOtherwise() {
  const server = net.createServer((socket) => socket.on('data', () => socket.write(`you said ${word()}\n`)));
  const socket = net.connect(await listen(server), '127.0.0.1');
  socket.write(`${word()} ${word()}\n`);
  await new Promise((done) => socket.once('data', done));
  socket.end();
  await ended(socket);
  server.close();
  const listener = dgram.createSocket('udp4');
  await new Promise((done) => listener.bind(0, '127.0.0.1', done));
  const sender = dgram.createSocket('udp4');
  const heard = new Promise((done) => listener.once('message', done));
  sender.send(`${word()} ${word()}`, listener.address().port, '127.0.0.1');
  await heard;
  sender.close();
  listener.close();
}

async function speakMongodb() {
  const at = `127.0.0.1:${process.env.MONGODB_PORT}`;
  const client = new MongoClient(`mongodb://${at}/`, { appName: word() });
  await client.connect();
  const pins = client.db('pins').collection('plantedcollection');
  await pins.createIndex({ note: 1 }, { unique: true });
  const noted = word();
  await pins.insertMany([
    { note: noted, [`f${token()}`]: word() },
    { note: token(), list: [word(), { deep: word() }] },
  ]);
  await pins.find({ note: word(), 'list.deep': { $in: [word(), token()] } }, { comment: word() }).toArray();
  await pins.findOne({ [`x.${token()}`]: word(), $or: [{ note: new RegExp(word()) }, { note: { $gt: word() } }] });
  await pins.updateOne({ note: word() }, { $set: { note: word(), [`x.${token()}`]: word() } }, { upsert: true });
  await pins.aggregate([{ $match: { note: word() } }, { $group: { _id: '$note' } }, { $limit: 3 }]).toArray();
  await pins.deleteMany({ note: { $in: [word(), word()] } });
  await pins.distinct('note', { note: word() });
  // A duplicate's value is in the server's message; so is the name of a command that is none.
  await refused(pins.insertOne({ note: noted, other: word() }));
  await refused(client.db('pins').command({ [token()]: word() }));
  await refused(client.db('pins').collection(token()).findOne({ note: word() }));
  const cursor = pins.find({}, { batchSize: 1 });
  while (await cursor.hasNext()) await cursor.next();
  await client.close();
  const stranger = new MongoClient(`mongodb://${word()}:${token()}@${at}/`, { serverSelectionTimeoutMS: 2000 });
  await refused(stranger.connect());
  await stranger.close();
}

async function speakAmqp() {
  const url = `amqp://guest:guest@127.0.0.1:${process.env.RABBITMQ_PORT}`;
  const connection = await connectAmqp(url, { clientProperties: { note: word() } });
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange('plantedexchange', 'topic', { durable: false, arguments: { note: word() } });
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'plantedexchange', 'plantedroute.#');
  const all = new Promise((done) => {
    channel.consume(queue, (message) => done(channel.ack(message)), { consumerTag: token() });
  });
  const properties = { headers: { note: word() }, correlationId: token(), messageId: token(), appId: word() };
  channel.publish('plantedexchange', `plantedroute.${token()}`, Buffer.from(word()), {
    ...properties,
    replyTo: token(),
  });
  channel.publish('plantedexchange', 'nobody.there', Buffer.from(word()), { ...properties, mandatory: true });
  await all;
  await channel.waitForConfirms();
  const own = await connection.createChannel();
  own.on('error', () => {});
  await refused(own.checkQueue(`q${token()}`));
  await connection.close();
  await refused(connectAmqp(url.replace('guest:guest', `${word()}:${word()}`)));
}

async function speakNats() {
  const at = { servers: `127.0.0.1:${process.env.NATS_PORT}` };
  const options = { ...at, name: word(), user: word(), pass: token() };
  const [client, service] = [await connectNats(options), await connectNats({ ...at, token: token() })];
  const text = StringCodec();
  service.subscribe('plantedsubject.*', { callback: (_error, message) => message.respond(text.encode(word())) });
  await service.flush();
  const headers = natsHeaders();
  headers.append('x-note', word());
  await client.request(`plantedsubject.${token()}`, text.encode(word()), { headers, timeout: 5000 });
  client.publish(`plantedsubject.${token()}`, text.encode(word()), { headers });
  await refused(client.request(`nobody.${token()}`, text.encode(word())));
  const manager = await client.jetstreamManager();
  await manager.streams.add({ name: `s${token()}`, subjects: ['plantedjobs.*'], description: word() });
  await client.jetstream().publish(`plantedjobs.${token()}`, text.encode(word()), { msgID: token() });
  await refused(manager.streams.info(token()));
  await client.close();
  await service.close();
}

async function speakMqtt() {
  const url = `mqtt://127.0.0.1:${process.env.MOSQUITTO_PORT}`;
  for (const protocolVersion of [4, 5]) {
    const will = { topic: `plantedtopic/${token()}`, payload: word(), qos: 0, retain: false };
    const client = await connectMqtt(url, {
      protocolVersion,
      clientId: token(),
      username: word(),
      password: token(),
      will,
    });
    const heard = new Promise((done) => client.once('message', done));
    await client.subscribeAsync('plantedtopic/#');
    const properties =
      protocolVersion === 5 ? { userProperties: { note: word() }, correlationData: Buffer.from(word()) } : undefined;
    for (const qos of [0, 1, 2]) await client.publishAsync(`plantedtopic/${token()}`, word(), { qos, properties });
    await heard;
    await client.endAsync();
  }
}

async function speakWebSocket() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  await new Promise((done) => server.once('listening', done));
  server.on('connection', (socket) => socket.on('message', () => socket.send(word().repeat(500))));
  const { port } = server.address();
  const at = `ws://127.0.0.1:${port}/plantedsocket/${token()}?${word()}=${word()}`;
  const headers = { authorization: `Bearer ${word()}`, cookie: `session=${token()}` };
  const socket = new WebSocket(at, [`x-${token()}`], { headers });
  await new Promise((done) => socket.once('open', done));
  const heard = new Promise((done) => socket.once('message', done));
  socket.ping(word());
  socket.send(word());
  socket.send(Buffer.from(word().repeat(100)));
  await heard;
  socket.close(1000, word());
  await ended(socket);
  server.close();
}

async function failSecretly(said) {
  await undefined;
  throw Object.assign(new Error(said), { detail: said });
}

await speakMysql();
await speakPostgres();
await speakRedis();
await speakIoredis();
await speakMemcached();
await speakHttp();
await speakHttp2();
await speakGrpc();
await speakOtherwise();
if (process.env.MONGODB_PORT !== '') await speakMongodb();
await speakAmqp();
await speakNats();
await speakMqtt();
await speakWebSocket();
await refused(failSecretly(word()));
// Every secret was said, and what is not shipped yet is left in a file.
process.stdout.write(nextWord >= words.length && nextToken >= tokens.length ? 'all said' : `${nextWord} ${nextToken}`);
process.exit(0);
