// The words that statements begin with, and: does SQL stand here? (For a protocol that was joined in the middle.)

import type { Recognition } from '../decoder.ts';

export const verbs: ReadonlySet<string> = new Set(
  (
    'SELECT INSERT UPDATE DELETE REPLACE WITH SHOW SET BEGIN START COMMIT ROLLBACK CREATE ALTER DROP TRUNCATE USE CALL ' +
    'EXPLAIN DESCRIBE DESC ANALYZE LOAD LOCK UNLOCK FLUSH OPTIMIZE KILL DO HANDLER SAVEPOINT RELEASE XA GRANT REVOKE ' +
    'PREPARE EXECUTE DEALLOCATE RENAME VALUES TABLE MERGE COPY LISTEN NOTIFY UNLISTEN DECLARE FETCH CLOSE END VACUUM ' +
    'REFRESH DISCARD RESET REINDEX CHECKPOINT MOVE ' +
    'CHECK CHECKSUM REPAIR INSTALL UNINSTALL CHANGE PURGE SHUTDOWN SIGNAL RESIGNAL IMPORT COMMENT CLUSTER SECURITY ABORT'
  ).split(' '),
);

/** Whether SQL stands at `at`, by its first word; a comment before it is taken for SQL. */
export function startsWithVerb(bytes: Uint8Array, at: number, end: number): Recognition {
  while (at < end && at < bytes.length && isBeforeVerb(bytes[at] as number)) at++;
  if (bytes[at] === 0x2f || bytes[at] === 0x2d || bytes[at] === 0x23) return 'yes';
  let verb = '';
  for (; at < end && verb.length <= 10; at++) {
    if (at >= bytes.length) return 'more';
    const letter = (bytes[at] as number) & ~0x20;
    if (letter < 0x41 || letter > 0x5a) break;
    verb += String.fromCharCode(letter);
  }
  return verbs.has(verb) ? 'yes' : 'no';
}

const isBeforeVerb = (byte: number): boolean =>
  byte === 0x20 || byte === 0x28 || byte === 0x3b || (byte >= 9 && byte <= 13);
