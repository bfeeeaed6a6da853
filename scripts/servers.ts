// Real servers for the demo, the tests and the benchmarks: MariaDB, PostgreSQL, memcached, Redis, RabbitMQ, NATS and
// mosquitto, each on a free port of 127.0.0.1 with its data in a temporary directory that goes when it stops. What is
// missing (a Chromium for the page's tests, too) is installed from Debian's packages first (as root, or by sudo without
// a password). Debian has no MongoDB: its protocol is served by mongo-java-server, where there are a JDK and Maven.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Server {
  readonly port: number;
  readonly pid: number;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

const asRoot = process.platform !== 'win32' && userInfo().uid === 0;

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function found(program: string): string | undefined {
  const places = [
    '/usr/sbin',
    '/usr/bin',
    '/usr/local/sbin',
    '/usr/local/bin',
    '/opt/homebrew/bin',
    '/opt/homebrew/sbin',
  ];
  const postgres = '/usr/lib/postgresql';
  if (existsSync(postgres)) {
    const versions = readdirSync(postgres).sort((a, b) => Number(b) - Number(a));
    places.unshift(...versions.map((version) => join(postgres, version, 'bin')));
  }
  return [...places, ...(process.env['PATH'] ?? '').split(':')]
    .map((place) => join(place, program))
    .find((path) => existsSync(path));
}

let updated = false;

/** The programs that tests, demo and benchmarks start, and Debian's package of each. */
const packageOf = {
  mariadbd: 'mariadb-server',
  'mariadb-install-db': 'mariadb-server',
  postgres: 'postgresql',
  initdb: 'postgresql',
  memcached: 'memcached',
  'redis-server': 'redis-server',
  rabbitmqctl: 'rabbitmq-server',
  epmd: 'erlang-base',
  'nats-server': 'nats-server',
  mosquitto: 'mosquitto',
  'redis-cli': 'redis-tools',
  openssl: 'openssl',
  chromium: 'chromium',
} as const;
type Name = keyof typeof packageOf;

/** Installs the Debian packages of the programs that are missing. */
function need(...programs: readonly Name[]): void {
  const missing = programs.filter((program) => !found(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => packageOf[program]))];
  if (!found('apt-get')) {
    throw new Error(`${missing.join(', ')} not found: install ${packages.join(', ')} and start again`);
  }
  const before = asRoot ? [] : ['sudo', '-n'];
  const run = (args: string[]) => {
    const [program, ...rest] = [...before, 'apt-get', ...args];
    execFileSync(program!, rest, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NODE_OPTIONS: '' },
    });
  };
  console.error(`installing ${packages.join(', ')} …`);
  if (!updated) run(['update', '-qq']);
  updated = true;
  run(['install', '-y', '-qq', '--no-install-recommends', ...packages]);
}

/** Resolves when something accepts connections on the port and has said `ready`; rejects when the process ends first. */
function listening(child: ChildProcess, port: number, name: string, said: () => string, ready: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it listened:\n${said()}`)));
    const attempt = () => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        if (said().includes(ready)) resolve();
        else setTimeout(attempt, 50);
      });
      socket.once('error', () => {
        if (child.exitCode === null) setTimeout(attempt, 50);
      });
    };
    attempt();
  });
}

async function start(
  name: string,
  program: string,
  args: string[],
  port: number,
  dir: string,
  env: Record<string, string> = {},
  ready = '',
): Promise<Server> {
  let said = '';
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const hear = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  await listening(child, port, name, () => said, ready);
  child.unref();
  (child.stdout as unknown as { unref(): void }).unref();
  (child.stderr as unknown as { unref(): void }).unref();
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    port,
    pid: child.pid!,
    stop: () =>
      new Promise((resolve) => {
        process.removeListener('exit', kill);
        const gone = () => {
          rmSync(dir, { recursive: true, force: true });
          resolve();
        };
        if (child.exitCode !== null || child.signalCode !== null) return gone();
        child.ref();
        child.once('exit', gone);
        child.kill('SIGTERM');
        setTimeout(kill, 5000).unref();
      }),
  };
}

/** Installs everything that tests use, at once: two test files that install side by side would meet apt's lock. */
export function installAll(): void {
  need(...(Object.keys(packageOf) as Name[]).filter((program) => program !== 'chromium'));
  chromiumPath();
  const reason = mongodbIsMissing();
  if (reason) console.error(`no server for MongoDB's tests: ${reason}`);
}

/** Path of openssl, for certificates; installed when there is none. */
export function opensslPath(): string {
  need('openssl');
  return found('openssl')!;
}

/** Path of a Chromium; installed when there is none. */
export function chromiumPath(): string {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  if (!names.some((name) => found(name))) need('chromium');
  return names.map((name) => found(name)).find((path) => path !== undefined)!;
}

const newDir = (name: string) => mkdtempSync(join(tmpdir(), `whywait-${name}-`));

export async function startMemcached(): Promise<Server> {
  need('memcached');
  const port = await freePort();
  const args = ['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', '64', ...(asRoot ? ['-u', 'root'] : [])];
  return start('memcached', found('memcached')!, args, port, newDir('memcached'));
}

export async function startRedis(): Promise<Server> {
  need('redis-server');
  const port = await freePort();
  const dir = newDir('redis');
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir, '--save', '', '--appendonly', 'no'];
  return start('redis-server', found('redis-server')!, args, port, dir);
}

/** Three masters that share the slots, none with a replica; the port is that of the first. */
export async function startRedisCluster(): Promise<Server> {
  need('redis-server', 'redis-cli');
  const nodes: Server[] = [];
  for (let i = 0; i < 3; i++) {
    // The bus between them wants a port of its own.
    const [port, bus] = [await freePort(), await freePort()];
    const dir = newDir('redis');
    const at = ['--bind', '127.0.0.1', '--port', String(port), '--cluster-port', String(bus), '--dir', dir];
    const args = [...at, '--cluster-enabled', 'yes', '--save', '', '--appendonly', 'no'];
    nodes.push(await start('redis-server', found('redis-server')!, args, port, dir));
  }
  const cli = found('redis-cli')!;
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  execFileSync(cli, ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const isUp = () =>
    /cluster_state:ok/.test(execFileSync(cli, ['-p', String(nodes[0]!.port), 'cluster', 'info']).toString());
  while (!isUp()) await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    port: nodes[0]!.port,
    pid: nodes[0]!.pid,
    stop: async () => void (await Promise.all(nodes.map((one) => one.stop()))),
  };
}

/** MariaDB with a user root without a password on TCP, and an empty database `pins`. */
export async function startMariadb(): Promise<Server> {
  need('mariadbd', 'mariadb-install-db');
  const port = await freePort();
  const dir = newDir('mariadb');
  const asUser = asRoot ? ['--user=root'] : [];
  const words = [`--datadir=${dir}/data`, '--auth-root-authentication-method=normal', '--skip-test-db', ...asUser];
  const install = () => execFileSync(found('mariadb-install-db')!, ['--no-defaults', ...words], { stdio: 'pipe' });
  // Now and then it fails on a busy machine.
  try {
    install();
  } catch {
    rmSync(join(dir, 'data'), { recursive: true, force: true });
    install();
  }
  writeFileSync(join(dir, 'init.sql'), 'CREATE DATABASE IF NOT EXISTS pins;\n');
  const args = [
    '--no-defaults',
    `--datadir=${dir}/data`,
    `--socket=${dir}/s`,
    `--pid-file=${dir}/pid`,
    `--init-file=${dir}/init.sql`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--innodb-flush-log-at-trx-commit=2',
    '--innodb-buffer-pool-size=64M',
    '--skip-name-resolve',
    ...asUser,
  ];
  return start('mariadbd', found('mariadbd')!, args, port, dir);
}

/** PostgreSQL with a superuser `postgres` trusted on TCP, and pg_stat_statements loaded. */
export async function startPostgres(): Promise<Server> {
  need('postgres', 'initdb');
  const port = await freePort();
  const dir = newDir('postgres');
  // PostgreSQL refuses to run as root: hand the directory to its own user.
  const as = asRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'] : [];
  if (asRoot) {
    chmodSync(dir, 0o755);
    execFileSync('chown', ['postgres', dir]);
  }
  const [initProgram, ...initArgs] = [
    ...as,
    found('initdb')!,
    '-D',
    `${dir}/data`,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-N',
  ];
  execFileSync(initProgram!, initArgs, { stdio: 'ignore', cwd: '/' });
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_preload_libraries: 'pg_stat_statements',
    'pg_stat_statements.track': 'top',
    fsync: 'off',
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const [program, ...args] = [...as, found('postgres')!, '-D', `${dir}/data`, ...flags];
  // It listens before it lets anybody in.
  return start('postgres', program!, args, port, dir, {}, 'ready to accept connections');
}

/**
 * RabbitMQ (AMQP 0-9-1) with the user guest, password guest, and its counters as text at
 * http://127.0.0.1:metricsPort/metrics. Takes some seconds to start.
 */
export async function startRabbitmq(): Promise<Server & { readonly metricsPort: number }> {
  need('rabbitmqctl', 'epmd');
  const [port, metricsPort, nodesPort, namesPort] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const dir = newDir('rabbitmq');
  const config = {
    'listeners.tcp.1': `127.0.0.1:${port}`,
    'prometheus.tcp.ip': '127.0.0.1',
    'prometheus.tcp.port': metricsPort,
    'log.file': false,
    'log.console': true,
    'log.console.level': 'warning',
  };
  const lines = Object.entries(config).map(([key, value]) => `${key} = ${value}\n`);
  writeFileSync(join(dir, 'rabbitmq.conf'), lines.join(''));
  writeFileSync(join(dir, 'plugins'), '[rabbitmq_prometheus].\n');
  // Erlang's nodes find each other by a daemon, which would outlive the server: it gets one of its own.
  const names = await start(
    'epmd',
    found('epmd')!,
    ['-port', String(namesPort), '-address', '127.0.0.1'],
    namesPort,
    dir,
  );
  const env = {
    HOME: dir,
    ERL_EPMD_PORT: String(namesPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // Without it the script stays, and answers SIGTERM by a second Erlang that asks the first one to stop.
    RUNNING_UNDER_SYSTEMD: '1',
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'plugins'),
    RABBITMQ_NODENAME: 'whywait@localhost',
    RABBITMQ_DIST_PORT: String(nodesPort),
    RABBITMQ_MNESIA_BASE: join(dir, 'data'),
    RABBITMQ_LOG_BASE: join(dir, 'logs'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none',
  };
  // Debian's program of this name in /usr/sbin becomes another user first.
  const debians = '/usr/lib/rabbitmq/bin/rabbitmq-server';
  const program = existsSync(debians) ? debians : found('rabbitmq-server')!;
  const server = await start('rabbitmq-server', program, [], port, dir, env);
  const stop = async () => {
    process.kill(server.pid, 'SIGKILL'); // an orderly end takes five seconds, for data that nobody wants
    await server.stop();
    await names.stop();
  };
  return { ...server, metricsPort, stop };
}

/** NATS with JetStream, and its counters as JSON at http://127.0.0.1:monitorPort/varz. */
export async function startNats(): Promise<Server & { readonly monitorPort: number }> {
  need('nats-server');
  const [port, monitorPort] = await Promise.all([freePort(), freePort()]);
  const dir = newDir('nats');
  const args = ['-a', '127.0.0.1', '-p', String(port), '-m', String(monitorPort), '-js', '-sd', dir];
  return { ...(await start('nats-server', found('nats-server')!, args, port, dir)), monitorPort };
}

/** mosquitto (MQTT 3.1, 3.1.1 and 5) that lets everybody in, its counters in topics below $SYS/broker each second. */
export async function startMosquitto(): Promise<Server> {
  need('mosquitto');
  const port = await freePort();
  const dir = newDir('mosquitto');
  const config = ['allow_anonymous true', 'sys_interval 1', `listener ${port} 127.0.0.1`, 'max_queued_messages 0'];
  if (asRoot) config.push('user root');
  writeFileSync(join(dir, 'mosquitto.conf'), `${config.join('\n')}\n`);
  return start('mosquitto', found('mosquitto')!, ['-c', join(dir, 'mosquitto.conf')], port, dir);
}

const here = dirname(fileURLToPath(import.meta.url));
const mongodbJars = join(here, '../.cache/mongo-java-server');

/** Why there is no server for MongoDB; '' when there is one. Its jars come from Maven Central, once. */
export function mongodbIsMissing(): string {
  const missing = ['java', 'javac', 'mvn'].filter((program) => !found(program));
  if (missing.length > 0) return `${missing.join(', ')} not found`;
  if (existsSync(mongodbJars)) return '';
  const dir = join(here, '../.cache', `mongo-java-server-${process.pid}`);
  mkdirSync(dir, { recursive: true });
  const args = [
    '-q',
    '-B',
    '-f',
    join(here, 'mongodb/pom.xml'),
    'dependency:copy-dependencies',
    `-DoutputDirectory=${dir}`,
  ];
  try {
    console.error('installing mongo-java-server …');
    execFileSync(found('mvn')!, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 });
    renameSync(dir, mongodbJars);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    if (!existsSync(mongodbJars))
      return `mongo-java-server could not be had: ${(error as Error).message.split('\n')[0]}`;
  }
  return '';
}

/** mongo-java-server: MongoDB's protocol over data in memory. Ask `mongodbIsMissing` first. */
export async function startMongodb(): Promise<Server> {
  const reason = mongodbIsMissing();
  if (reason) throw new Error(reason);
  const port = await freePort();
  const args = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', `${mongodbJars}/*`];
  return start(
    'mongo-java-server',
    found('java')!,
    [...args, join(here, 'mongodb/Serve.java'), String(port)],
    port,
    newDir('mongodb'),
  );
}
