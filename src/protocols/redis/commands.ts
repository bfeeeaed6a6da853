// What the decoder must know of each Redis command (https://redis.io/docs/latest/commands/): where its first key is,
// whether it has a subcommand, whether it waits by its nature, whether clients send it to open a connection.

export interface Spec {
  readonly name: string;
  /** Index of the argument that is a key (or a channel); 0 = none is shown. */
  readonly key: number;
  /** The second word belongs to the name: CLIENT SETNAME. */
  readonly sub: boolean;
  /** Blocks until there is something to answer. */
  readonly blocks: boolean;
  /** 'always' part of opening a connection, or 'first': while nothing else was asked. */
  readonly setup: 'never' | 'first' | 'always';
  /** How it changes what the server says. */
  readonly effect: Effect;
}

export type Effect =
  | ''
  | 'select'
  | 'subscribe'
  | 'unsubscribe'
  | 'client'
  | 'exec'
  | 'scan'
  | 'streams'
  | 'script'
  | 'monitor'
  | 'replicate'
  | 'reset';

const words = (text: string): string[] => text.trim().split(/\s+/);

const keyAt: Record<number, string[]> = {
  0: words(`
    ASKING AUTH BGREWRITEAOF BGSAVE DBSIZE DISCARD ECHO EXEC FAILOVER FLUSHALL FLUSHDB HELLO INFO KEYS LASTSAVE LOLWUT
    MIGRATE MONITOR MULTI PING PSYNC PUNSUBSCRIBE QUIT RANDOMKEY READONLY READWRITE REPLCONF REPLICAOF RESET ROLE SAVE
    SCAN SELECT SHUTDOWN SLAVEOF SUNSUBSCRIBE SWAPDB SYNC TIME UNSUBSCRIBE UNWATCH WAIT WAITAOF XREAD XREADGROUP
    ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MODULE PUBSUB SCRIPT SENTINEL SLOWLOG
    FT._LIST FT.CONFIG JSON.MGET TS.MGET TS.MRANGE TS.MREVRANGE TS.QUERYINDEX`),
  1: words(`
    APPEND BITCOUNT BITFIELD BITFIELD_RO BITPOS BLMOVE BLPOP BRPOP BRPOPLPUSH BZPOPMAX BZPOPMIN COPY DECR DECRBY DEL DUMP
    EXISTS EXPIRE EXPIREAT EXPIRETIME GEOADD GEODIST GEOHASH GEOPOS GEORADIUS GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO
    GEORADIUS_RO GEOSEARCH GEOSEARCHSTORE GET GETBIT GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HEXPIRE HEXPIREAT
    HEXPIRETIME HGET HGETALL HGETDEL HGETEX HINCRBY HINCRBYFLOAT HKEYS HLEN HMGET HMSET HPERSIST HPEXPIRE HPEXPIREAT
    HPEXPIRETIME HPTTL HRANDFIELD HSCAN HSET HSETEX HSETNX HSTRLEN HTTL HVALS INCR INCRBY INCRBYFLOAT LCS LINDEX LINSERT
    LLEN LMOVE LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM MGET MOVE MSET MSETNX PERSIST PEXPIRE PEXPIREAT PEXPIRETIME
    PFADD PFCOUNT PFMERGE PSETEX PSUBSCRIBE PTTL PUBLISH RENAME RENAMENX RESTORE RPOP RPOPLPUSH RPUSH RPUSHX SADD SCARD
    SDIFF SDIFFSTORE SET SETBIT SETEX SETNX SETRANGE SINTER SINTERSTORE SISMEMBER SMEMBERS SMISMEMBER SMOVE SORT SORT_RO
    SPOP SPUBLISH SRANDMEMBER SREM SSCAN SSUBSCRIBE STRLEN SUBSCRIBE SUBSTR SUNION SUNIONSTORE TOUCH TTL TYPE UNLINK
    WATCH XACK XACKDEL XADD XAUTOCLAIM XCLAIM XDEL XDELEX XLEN XPENDING XRANGE XREVRANGE XSETID XTRIM ZADD ZCARD ZCOUNT
    ZDIFFSTORE ZINCRBY ZINTERSTORE ZLEXCOUNT ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE
    ZRANGESTORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE
    ZREVRANK ZSCAN ZSCORE ZUNIONSTORE
    BF.ADD BF.EXISTS BF.INFO BF.INSERT BF.MADD BF.MEXISTS BF.RESERVE CF.ADD CF.ADDNX CF.COUNT CF.DEL CF.EXISTS CF.INFO
    CF.INSERT CF.RESERVE CMS.INCRBY CMS.INFO CMS.QUERY FT.AGGREGATE FT.ALTER FT.CREATE FT.DROPINDEX FT.INFO FT.SEARCH
    JSON.ARRAPPEND JSON.ARRINDEX JSON.ARRINSERT JSON.ARRLEN JSON.ARRPOP JSON.ARRTRIM JSON.CLEAR JSON.DEL JSON.GET
    JSON.MERGE JSON.MSET JSON.NUMINCRBY JSON.OBJKEYS JSON.OBJLEN JSON.SET JSON.STRAPPEND JSON.STRLEN JSON.TOGGLE
    JSON.TYPE TOPK.ADD TOPK.INFO TOPK.LIST TOPK.QUERY TOPK.RESERVE TS.ADD TS.ALTER TS.CREATE TS.DEL TS.GET TS.INCRBY
    TS.INFO TS.MADD TS.RANGE TS.REVRANGE VADD VCARD VSIM`),
  2: words(`BITOP LMPOP MEMORY OBJECT SINTERCARD XGROUP XINFO ZDIFF ZINTER ZINTERCARD ZMPOP ZUNION`),
  3: words(`BLMPOP BZMPOP EVAL EVALSHA EVALSHA_RO EVAL_RO FCALL FCALL_RO`),
};

const withSub = new Set(
  words(`ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT SENTINEL SLOWLOG
    XGROUP XINFO`),
);
/** Their second words. Another one (of a newer server, or of a mistake that says a value there) is not shown. */
const subcommands = new Set(
  words(`ADDSLOTS ADDSLOTSRANGE BUMPEPOCH CACHING CAT CHANNELS CKQUORUM CONFIG CONSUMERS COUNT COUNT-FAILURE-REPORTS
    COUNTKEYSINSLOT CREATE CREATECONSUMER DEBUG DELCONSUMER DELETE DELSLOTS DELSLOTSRANGE DELUSER DESTROY DIGEST DOCS
    DOCTOR DRYRUN DUMP ENCODING EXISTS FAILOVER FLUSH FLUSHCONFIG FLUSHSLOTS FORGET FREQ GENPASS GET
    GET-MASTER-ADDR-BY-NAME GETKEYS GETKEYSANDFLAGS GETKEYSINSLOT GETNAME GETREDIR GETUSER GRAPH GROUPS HELP HISTOGRAM
    HISTORY ID IDLETIME INFO INFO-CACHE JMAP KEYSLOT KILL LATEST LEN LINKS LIST LOAD LOADEX LOG MALLOC-STATS MASTER
    MASTERS MEET MONITOR MYID MYSHARDID NO-EVICT NO-TOUCH NODES NUMPAT NUMSUB OBJECT PAUSE PURGE REFCOUNT REMOVE
    REPLICAS REPLICATE REPLY RESET RESETSTAT RESTORE REWRITE SAVE SAVECONFIG SENTINELS SET SET-ACTIVE-EXPIRE
    SET-CONFIG-EPOCH SETID SETINFO SETNAME SETSLOT SETUSER SHARDCHANNELS SHARDNUMSUB SHARDS SLAVES SLEEP SLOT-STATS SLOTS
    STATS STREAM TRACKING TRACKINGINFO UNBLOCK UNLOAD UNPAUSE USAGE USERS WHOAMI`),
);
const blocking = new Set(
  words('BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN MONITOR PSYNC SYNC WAIT WAITAOF'),
);
const setupFirst = new Set(words('CLIENT CLUSTER COMMAND INFO READONLY ROLE SELECT SENTINEL'));
const effects: Record<string, Effect> = {
  SELECT: 'select',
  SUBSCRIBE: 'subscribe',
  PSUBSCRIBE: 'subscribe',
  SSUBSCRIBE: 'subscribe',
  UNSUBSCRIBE: 'unsubscribe',
  PUNSUBSCRIBE: 'unsubscribe',
  SUNSUBSCRIBE: 'unsubscribe',
  CLIENT: 'client',
  DISCARD: 'exec',
  EXEC: 'exec',
  SCAN: 'scan',
  HSCAN: 'scan',
  SSCAN: 'scan',
  ZSCAN: 'scan',
  XREAD: 'streams',
  XREADGROUP: 'streams',
  EVAL: 'script',
  EVAL_RO: 'script',
  EVALSHA: 'script',
  EVALSHA_RO: 'script',
  FCALL: 'script',
  FCALL_RO: 'script',
  MONITOR: 'monitor',
  SYNC: 'replicate',
  PSYNC: 'replicate',
  RESET: 'reset',
};

const spec = (name: string, key: number): Spec => ({
  name,
  key,
  sub: withSub.has(name),
  blocks: blocking.has(name),
  setup: name === 'AUTH' || name === 'HELLO' ? 'always' : setupFirst.has(name) ? 'first' : 'never',
  effect: effects[name] ?? '',
});

/** By name, as clients write it: upper or lower case. */
const specs = new Map<string, Spec>();
for (const [key, names] of Object.entries(keyAt)) {
  for (const name of names) {
    const one = spec(name, Number(key));
    specs.set(name, one);
    specs.set(name.toLowerCase(), one);
  }
}

/** The commands by their letters in capitals, so that a command's name need not become a text: the first that fits. */
const byLetters: (Spec[] | undefined)[] = [];
const lettersHash = (length: number, first: number, last: number): number =>
  ((length * 31 + first * 7 + last) & 255) as number;
for (const one of new Set(specs.values())) {
  const { name } = one;
  const hash = lettersHash(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1));
  byLetters[hash] ??= [];
  (byLetters[hash] as Spec[]).push(one);
}

/** The command in the table whose name is bytes[0, length), all upper or all lower case letters. */
export function specAt(bytes: Uint8Array, length: number): Spec | undefined {
  if (length === 0) return undefined;
  const isLower = (bytes[0] as number) >= 97 ? 32 : 0;
  const hash = lettersHash(length, (bytes[0] as number) - isLower, (bytes[length - 1] as number) - isLower);
  const found = byLetters[hash];
  if (found === undefined) return undefined;
  for (let i = 0; i < found.length; i++) {
    const one = found[i] as Spec;
    const { name } = one;
    let at = name.length === length ? 0 : -1;
    while (at >= 0 && at < length) {
      const code = name.charCodeAt(at);
      at = bytes[at] === (code >= 65 && code <= 90 ? code + isLower : code) ? at + 1 : -1;
    }
    if (at === length) return one;
  }
  return undefined;
}

/** A command that is not in the table (of a module, newer, or nonsense): only its name is shown. */
const others = new Map<string, Spec>();
const nameless = spec('command', 0);

export const isSubcommand = (name: string): boolean => subcommands.has(name);

export const isCommand = (name: string): boolean => specs.has(name);

export function specOf(name: string): Spec {
  const known = specs.get(name) ?? others.get(name);
  if (known) return known;
  if (!/^[A-Za-z][A-Za-z0-9._-]{0,30}$/.test(name)) return nameless;
  const upper = name.toUpperCase();
  const found = specs.get(upper) ?? spec(upper, 0);
  if (others.size < 200) others.set(name, found);
  return found;
}
