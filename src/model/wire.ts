// How a recorder and its collector talk over their socket: frames, each a head of 8 bytes and a body.
//
//   +-----------+------+-------------+----------------+
//   | length u32| kind | 3 × 0       | body           |   little endian; length counts the body
//   +-----------+------+-------------+----------------+
//
// recorder → collector: hello (JSON of Hello), batch (see batch.ts).
// collector → recorder: welcome (u32 process number), ack (u32: every batch up to this number is durable).
// At its end a process leaves what was not acknowledged, as the same frames with its hello first, in a file
// `<token>.rest` beside the socket; the collector reads it when the program has ended. Batches stored already are
// told by (token, number).

export const FrameKind = { hello: 1, batch: 2, welcome: 3, ack: 4 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export const frameHeadBytes = 8;
/** No frame's body is longer; a longer length is a broken stream. */
export const maxFrameBytes = 64 * 1024 * 1024;

/** What a process says of itself first. */
export interface Hello {
  readonly version: 1;
  /** Random, unique for each process or worker thread: the same in the `.rest` file's name. */
  readonly token: string;
  readonly pid: number;
  readonly ppid: number;
  /** 0 for the main thread, else worker_threads' threadId. */
  readonly thread: number;
  /** "node v24.21.0" */
  readonly runtime: string;
  /** service.name: WHYWAIT_SERVICE, OTEL_SERVICE_NAME, the nearest package.json's name, or the script's name. */
  readonly service: string;
  /** The script, relative to the run's directory; no arguments (they may hold secrets). */
  readonly script: string;
  /** Epoch nanoseconds of the process's time 0, in decimal. */
  readonly origin: string;
}
