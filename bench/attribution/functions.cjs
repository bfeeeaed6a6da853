// The user's program of the attribution bench: functions that each do one operation, in the shapes that programs
// have. `ask(tag)` is a client's promise call, `askBack(tag, callback)` its callback form (null where it has none),
// `askWrong(tag)` one that the server refuses, `askLate(tag)` one that the client does not wait for to the end
// (likewise). Every payload carries its true owner: the request and the
// function. Each form is one logical request of four operations, `adversarial` of four to eight.

const { EventEmitter, once } = require('node:events');
const { Readable, Transform, Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports = (ask, askBack, askWrong, askLate) => {
  // --- plain

  async function awaited(id) {
    const answer = await ask(`own:${id}.awaited:`);
    return answer;
  }

  function returned(id) {
    return ask(`own:${id}.returned:`);
  }

  async function returnedAsync(id) {
    return ask(`own:${id}.returnedAsync:`);
  }

  async function caught(id) {
    try {
      await ask(`own:${id}.caught:`);
    } catch {
      await ask(`own:${id}.caught:`);
    }
  }

  async function sequence(id) {
    await awaited(id);
    await returned(id);
    await caught(id);
    await returnedAsync(id);
  }

  async function parallel(id) {
    await Promise.all([awaited(id), returnedAsync(id)]);
    await Promise.all([caught(id), returned(id)]);
  }

  // --- callbacks

  function promised(id) {
    return new Promise((resolve, reject) => {
      askBack(`own:${id}.promised:`, (error, answer) => {
        if (error) reject(error);
        else resolve(answer);
      });
    });
  }

  function called(id, done) {
    askBack(`own:${id}.called:`, (error) => {
      if (error) return done(error);
      done(null);
    });
  }

  async function callbacks(id) {
    await promised(id);
    await new Promise((resolve, reject) => called(id, (error) => (error ? reject(error) : resolve())));
    await promised(id);
    await awaited(id);
  }

  // --- classes and arrow functions

  class Shelf {
    #id;

    constructor(id) {
      this.#id = id;
    }

    async method() {
      return await ask(`own:${this.#id}.method:`);
    }

    static async still(id) {
      await ask(`own:${id}.still:`);
    }

    async #hidden() {
      await ask(`own:${this.#id}.hidden:`);
    }

    field = async () => {
      await ask(`own:${this.#id}.field:`);
    };

    async all() {
      await this.method();
      await Promise.all([Shelf.still(this.#id), this.#hidden()]);
      await this.field();
    }
  }

  class Case extends Shelf {
    async method() {
      return super.method();
    }
  }

  const classes = (id) => new Case(id).all();

  // --- Promise.all, race, allSettled, any

  const arrow = (id) => ask(`own:${id}.arrow:`);
  const arrowAsync = async (id) => {
    await ask(`own:${id}.arrowAsync:`);
  };

  async function combined(id) {
    await Promise.allSettled([arrow(id), Promise.reject(new Error('no'))]);
    await Promise.any([Promise.reject(new Error('no')), arrowAsync(id)]);
    await Promise.race([awaited(id), new Promise(() => {})]);
    const [, answer] = await Promise.all([1, returned(id)]);
    return answer;
  }

  // --- generators, recursion, re-entrancy

  async function* pages(id) {
    yield await ask(`own:${id}.pages:`);
    await ask(`own:${id}.pages:`);
    yield 2;
  }

  function* names(id) {
    yield `own:${id}.listed:`;
  }

  async function listed(id) {
    for (const name of names(id)) await ask(name);
  }

  async function deeper(id, depth) {
    if (depth > 0) return deeper(id, depth - 1);
    await ask(`own:${id}.deeper:`);
  }

  async function iteration(id) {
    for await (const page of pages(id)) if (page === 3) return;
    await listed(id);
    await deeper(id, 3);
  }

  // --- events and streams

  function heard(id) {
    return new Promise((resolve, reject) => {
      const bell = new EventEmitter();
      bell.on('ring', async () => {
        await ask(`own:${id}.heard:`).then(resolve, reject);
      });
      bell.emit('ring');
    });
  }

  async function ringing(id) {
    const bell = new EventEmitter();
    setImmediate(() => bell.emit('ring'));
    await once(bell, 'ring');
    await ask(`own:${id}.ringing:`);
  }

  async function streamed(id) {
    for await (const part of Readable.from(['a'])) await ask(`own:${id}.streamed:${part}`);
  }

  async function piped(id) {
    await pipeline(
      Readable.from(['a']),
      new Transform({
        transform(part, _encoding, done) {
          ask(`own:${id}.transform:${part}`).then(() => done(null, part), done);
        },
      }),
      new Writable({ write: (_part, _encoding, done) => done() }),
    );
  }

  async function events(id) {
    await heard(id);
    await ringing(id);
    await streamed(id);
    await piped(id);
  }

  // --- timers, microtasks

  function delayed(id) {
    return new Promise((resolve, reject) => {
      setTimeout(() => {
        ask(`own:${id}.delayed:`).then(resolve, reject);
      }, 1);
    });
  }

  function soon(id) {
    return new Promise((resolve, reject) => {
      queueMicrotask(() => {
        ask(`own:${id}.soon:`).then(resolve, reject);
      });
    });
  }

  function ticked(id) {
    return new Promise((resolve, reject) => {
      process.nextTick(() => {
        ask(`own:${id}.ticked:`).then(resolve, reject);
      });
    });
  }

  async function slept(id) {
    await sleep(1);
    await ask(`own:${id}.slept:`);
  }

  async function timers(id) {
    await delayed(id);
    await Promise.all([soon(id), ticked(id)]);
    await slept(id);
  }

  // --- nobody waits for it

  async function forgotten(id) {
    void ask(`own:${id}.forgotten:`);
  }

  async function watched(id) {
    ask(`own:${id}.watched:`).catch(() => {});
  }

  async function careless(id) {
    await forgotten(id);
    await awaited(id);
    await watched(id);
    await Promise.race([returned(id), sleep(1)]);
  }

  // --- all of it at once, and what goes wrong

  async function late(id) {
    const answer = ask(`own:${id}.late:`);
    await sleep(Math.random() * 3);
    await awaited(id);
    await answer;
  }

  function chained(id) {
    return ask(`own:${id}.chained:`).then(() => awaited(id));
  }

  async function thenNotAwaited(id) {
    ask(`own:${id}.thenNotAwaited:`).then(
      () => {},
      () => {},
    );
  }

  async function refused(id) {
    if (!askWrong) return awaited(id);
    try {
      await askWrong(`own:${id}.refused:`);
    } catch {
      await ask(`own:${id}.refused:`);
    }
  }

  async function settledAll(id) {
    await Promise.allSettled([refused(id), awaited(id), returned(id)]);
  }

  async function raced(id) {
    await Promise.race([awaited(id), returned(id)]);
  }

  async function timedOut(id) {
    await Promise.race([awaited(id), sleep(1)]);
  }

  const acts = [late, chained, refused, settledAll, raced, timedOut, forgotten, thenNotAwaited, sequence, parallel];

  /** Four acts, told by the request's number, so that every run is the same program. */
  async function adversarial(id) {
    let seed = id * 2654435761 + 1;
    for (let i = 0; i < 4; i++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      await acts[Math.floor(seed / 65536) % acts.length](id);
    }
  }

  // --- connections are lost, and time runs out

  async function unlucky(id) {
    try {
      await ask(`own:${id}.unlucky:`);
    } catch {
      return undefined;
    }
  }

  function luckless(id) {
    return ask(`own:${id}.luckless:`).then(
      () => {},
      () => {},
    );
  }

  async function hurried(id) {
    if (!askLate) return unlucky(id);
    try {
      await askLate(`own:${id}.hurried:`);
    } catch {
      return undefined;
    }
  }

  async function losing(id) {
    await unlucky(id);
    await Promise.all([luckless(id), unlucky(id)]);
    await hurried(id);
  }

  /** Some clients never say what became of it. */
  async function lost(id) {
    await Promise.race([losing(id), sleep(5_000)]);
  }

  // --- what is delivered to it

  /** No request asked for it. */
  async function handled(tell) {
    await tell('own:work.handled:');
  }

  return {
    handled,
    sequence,
    parallel,
    callbacks,
    classes,
    combined,
    iteration,
    events,
    timers,
    careless,
    adversarial,
    lost,
  };
};
