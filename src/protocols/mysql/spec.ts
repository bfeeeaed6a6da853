// The numbers of the MySQL client/server protocol, under the names the specification gives them.
// https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
// https://mariadb.com/docs/server/reference/clientserver-protocol

/** Capability flags, of which client and server use what both have. */
export const Capability = {
  CLIENT_MYSQL: 1,
  CLIENT_CONNECT_WITH_DB: 1 << 3,
  CLIENT_COMPRESS: 1 << 5,
  CLIENT_PROTOCOL_41: 1 << 9,
  CLIENT_SSL: 1 << 11,
  CLIENT_SECURE_CONNECTION: 1 << 15,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA: 1 << 21,
  CLIENT_SESSION_TRACK: 1 << 23,
  CLIENT_DEPRECATE_EOF: 1 << 24,
  CLIENT_OPTIONAL_RESULTSET_METADATA: 1 << 25,
  CLIENT_ZSTD_COMPRESSION_ALGORITHM: 1 << 26,
  CLIENT_QUERY_ATTRIBUTES: 1 << 27,
} as const;

/** MariaDB's own, sent in filler bytes by those that do not set CLIENT_MYSQL. */
export const MariadbCapability = {
  CACHE_METADATA: 1 << 4,
} as const;

/** Status flags in OK and EOF packets. */
export const Status = {
  SERVER_MORE_RESULTS_EXISTS: 0x0008,
  SERVER_STATUS_CURSOR_EXISTS: 0x0040,
  SERVER_STATUS_NO_BACKSLASH_ESCAPES: 0x0200,
  SERVER_SESSION_STATE_CHANGED: 0x4000,
} as const;

export const sessionTrackSchema = 1;

export const Com = {
  QUIT: 0x01,
  INIT_DB: 0x02,
  QUERY: 0x03,
  FIELD_LIST: 0x04,
  STATISTICS: 0x09,
  PING: 0x0e,
  CHANGE_USER: 0x11,
  BINLOG_DUMP: 0x12,
  STMT_PREPARE: 0x16,
  STMT_EXECUTE: 0x17,
  STMT_SEND_LONG_DATA: 0x18,
  STMT_CLOSE: 0x19,
  STMT_RESET: 0x1a,
  STMT_FETCH: 0x1c,
  BINLOG_DUMP_GTID: 0x1e,
  STMT_BULK_EXECUTE: 0xfa,
} as const;

/** Every command by its number, without COM_; '' where there is none. A name with no SQL is the operation. */
export const commandNames: readonly string[] = (() => {
  const names = (
    'SLEEP QUIT INIT_DB QUERY FIELD_LIST CREATE_DB DROP_DB REFRESH SHUTDOWN STATISTICS PROCESS_INFO CONNECT ' +
    'PROCESS_KILL DEBUG PING TIME DELAYED_INSERT CHANGE_USER BINLOG_DUMP TABLE_DUMP CONNECT_OUT REGISTER_SLAVE ' +
    'STMT_PREPARE STMT_EXECUTE STMT_SEND_LONG_DATA STMT_CLOSE STMT_RESET SET_OPTION STMT_FETCH DAEMON ' +
    'BINLOG_DUMP_GTID RESET_CONNECTION'
  ).split(' ');
  while (names.length < 256) names.push('');
  names[Com.STMT_BULK_EXECUTE] = 'STMT_BULK_EXECUTE';
  return names;
})();

/** First byte of a server's packet. In a row it is data, but a row never begins with these (see `isRow`). */
export const Header = { OK: 0x00, AUTH_MORE_DATA: 0x01, LOCAL_INFILE: 0xfb, EOF: 0xfe, ERR: 0xff } as const;

/** A packet this long continues in the next one. */
export const maxPacket = 0xffffff;
