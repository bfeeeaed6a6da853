// The methods of AMQP 0-9-1 and RabbitMQ's extensions of it that a decoder must know: how a client's request is
// answered and where the names in its arguments are.
// https://www.rabbitmq.com/resources/specs/amqp0-9-1.extended.xml

export const FrameType = { method: 1, header: 2, body: 3, heartbeat: 8 } as const;
export const frameEnd = 0xce;

/** A method's class and its number in it, as one. */
const method = (inClass: number, number: number): number => inClass * 65536 + number;

export const Method = {
  connectionStart: method(10, 10),
  connectionStartOk: method(10, 11),
  connectionSecure: method(10, 20),
  connectionSecureOk: method(10, 21),
  connectionTune: method(10, 30),
  connectionTuneOk: method(10, 31),
  connectionOpen: method(10, 40),
  connectionOpenOk: method(10, 41),
  connectionClose: method(10, 50),
  channelOpen: method(20, 10),
  channelClose: method(20, 40),
  channelCloseOk: method(20, 41),
  queuePurgeOk: method(50, 31),
  queueDeleteOk: method(50, 41),
  consume: method(60, 20),
  consumeOk: method(60, 21),
  cancel: method(60, 30),
  cancelOk: method(60, 31),
  publish: method(60, 40),
  return: method(60, 50),
  deliver: method(60, 60),
  get: method(60, 70),
  getOk: method(60, 71),
  getEmpty: method(60, 72),
  ack: method(60, 80),
  nack: method(60, 120),
  confirmSelect: method(85, 10),
  confirmSelectOk: method(85, 11),
} as const;

/** A request that a client makes. */
export interface Request {
  /** As the specification says it; of the class basic without its class. */
  readonly name: string;
  /** The method that answers it; 0 = none does. */
  readonly answer: number;
  /** Bytes before the names: a reserved short, or nothing. */
  readonly reserved: number;
  /** Names (short strings) among its arguments, up to the bit no-wait. */
  readonly names: number;
  /** How many of them are shown. */
  readonly shown: number;
  /** Which bit behind the names says that nobody is to answer; -1 = there is none. */
  readonly noWait: number;
}

const request = (name: string, answer: number, names = 0, shown = 0, noWait = -1, reserved = 2): Request => ({
  name,
  answer,
  reserved,
  names,
  shown,
  noWait,
});

/** What a client asks for, by class and method. */
export const requests = new Map<number, Request>([
  [method(10, 50), request('connection.close', method(10, 51))],
  [method(10, 70), request('connection.update-secret', method(10, 71))],
  [method(20, 10), request('channel.open', method(20, 11))],
  [method(20, 20), request('channel.flow', method(20, 21))],
  [method(20, 40), request('channel.close', method(20, 41))],
  [method(30, 10), request('access.request', method(30, 11))],
  [method(40, 10), request('exchange.declare', method(40, 11), 2, 1, 4)],
  [method(40, 20), request('exchange.delete', method(40, 21), 1, 1, 1)],
  [method(40, 30), request('exchange.bind', method(40, 31), 3, 2, 0)],
  [method(40, 40), request('exchange.unbind', method(40, 51), 3, 2, 0)],
  [method(50, 10), request('queue.declare', method(50, 11), 1, 1, 4)],
  [method(50, 20), request('queue.bind', method(50, 21), 3, 2, 0)],
  [method(50, 30), request('queue.purge', method(50, 31), 1, 1, 0)],
  [method(50, 40), request('queue.delete', method(50, 41), 1, 1, 2)],
  [method(50, 50), request('queue.unbind', method(50, 51), 3, 2)],
  [method(60, 10), request('qos', method(60, 11))],
  [method(60, 20), request('consume', method(60, 21), 2, 1, 3)],
  [method(60, 30), request('cancel', method(60, 31), 1, 0, 0, 0)],
  [method(60, 70), request('get', method(60, 71), 1, 1)],
  [method(60, 80), request('ack', 0)],
  [method(60, 90), request('reject', 0)],
  [method(60, 100), request('recover-async', 0)],
  [method(60, 110), request('recover', method(60, 111))],
  [method(60, 120), request('nack', 0)],
  [method(85, 10), request('confirm.select', method(85, 11), 0, 0, 0, 0)],
  [method(90, 10), request('tx.select', method(90, 11))],
  [method(90, 20), request('tx.commit', method(90, 21))],
  [method(90, 30), request('tx.rollback', method(90, 31))],
]);
