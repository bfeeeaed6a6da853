// The servers that the chosen clients speak to.

import { createServer } from 'node:http';
import { createServer as createServer2 } from 'node:http2';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { connect, type NatsConnection } from 'nats';
import { WebSocketServer } from 'ws';
import {
  startMariadb,
  startMemcached,
  startMongodb,
  startMosquitto,
  startNats,
  startPostgres,
  startRabbitmq,
  startRedis,
  startRedisCluster,
} from '../../scripts/servers.ts';
import type { Ports, ServerName } from './clients/client.ts';
import { startCutting } from './cutting.ts';

const lateMs = 20;

interface Running {
  readonly port: number;
  stop(): unknown;
}

async function listening(server: NetServer & { closeAllConnections?(): void }): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.close();
      server.closeAllConnections?.();
      server.unref();
    },
  };
}

function startHttp(): Promise<Running> {
  const server = createServer((request, response) => {
    request.resume();
    setTimeout(() => response.end('ok'), request.url?.startsWith('/late/') ? lateMs : 1);
  });
  server.keepAliveTimeout = 60_000;
  return listening(server);
}

/** gRPC's HTTP/2 mapping: an empty message, then the status in trailers. */
function startGrpc(): Promise<Running> {
  const server = createServer2();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    setTimeout(() => stream.end(Buffer.alloc(5)), 1);
    stream.resume();
  });
  return listening(server);
}

/** Sends back what it is sent. */
async function startWebsocket(): Promise<Running> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  const running = await listening(server);
  return {
    port: running.port,
    stop: () => {
      for (const socket of sockets.clients) socket.terminate();
      running.stop();
    },
  };
}

/** With somebody who answers each request to `echo` by what it carries. */
async function startEchoingNats(): Promise<Running> {
  const server = await startNats();
  const service: NatsConnection = await connect({ port: server.port });
  service.subscribe('echo', { callback: (_error, message) => void message.respond(message.data) });
  await service.flush();
  return {
    port: server.port,
    stop: async () => {
      await service.close();
      await server.stop();
    },
  };
}

const start: Record<ServerName, () => Promise<Running>> = {
  http: startHttp,
  grpc: startGrpc,
  redis: startRedis,
  cluster: startRedisCluster,
  memcached: startMemcached,
  mariadb: startMariadb,
  postgres: startPostgres,
  websocket: startWebsocket,
  mongodb: startMongodb,
  rabbitmq: startRabbitmq,
  nats: startEchoingNats,
  mosquitto: startMosquitto,
};

export interface Servers {
  readonly ports: Ports;
  /** Of the same servers, behind proxies that lose connections. */
  readonly cutting: Ports;
  stop(): Promise<void>;
}

export async function startServers(names: ReadonlySet<ServerName>): Promise<Servers> {
  const running = await Promise.all([...names].map(async (name) => [name, await start[name]()] as const));
  const proxies = await Promise.all(running.map(async ([name, { port }]) => [name, await startCutting(port)] as const));
  const portsOf = (list: readonly (readonly [ServerName, { readonly port: number }])[]) =>
    Object.fromEntries(list.map(([name, { port }]) => [name, port])) as Ports;
  return {
    ports: portsOf(running),
    cutting: portsOf(proxies),
    stop: async () => {
      for (const [, proxy] of proxies) proxy.stop();
      await Promise.all(running.map(([, one]) => one.stop()));
    },
  };
}
