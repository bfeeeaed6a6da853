// How a program of the suite says what is true of its own functions, by its own clock. It is put into the program's
// node_modules, so that it counts as a library.

'use strict';

const { writeSync } = require('node:fs');

const members = ['cpu', 'callees', 'services', 'pool', 'connect', 'loop', 'timers', 'other'];
const truth = { functions: {}, heldBy: {}, blockedBy: {}, short: [] };

/** Ports of the delays: ports.redis[60] answers as Redis does, 60 ms later. */
exports.ports = JSON.parse(process.env.PORTS);

class Account {
  constructor(name) {
    truth.functions[name] ??= {};
    this.sums = truth.functions[name];
    this.since = performance.now();
  }

  add(member, atLeast) {
    const now = performance.now();
    const ms = now - this.since;
    if (ms < atLeast - 1.5) truth.short.push(`${member}: ${ms} ms of the ${atLeast} ms that were put in`);
    this.sums[member] = (this.sums[member] ?? 0) + ms;
    this.since = now;
    return ms;
  }
}
/** What was called to make the promise was its own code: `await t.asked(load())`. */
Account.prototype.asked = function (promise) {
  this.add('cpu', 0);
  return promise;
};
for (const member of members) {
  // `atLeast`: ms that were put in; where it saw less, the machine was too busy to put them there.
  Account.prototype[member] = function (atLeast = 0) {
    return this.add(member, atLeast);
  };
}

// What says the truth is compiled by now, as what it speaks of is: else the function would be charged with that.
for (let i = 0; i < 3; i++) {
  const warm = new Account('warm');
  warm.asked(warm.cpu());
  for (const member of members) warm[member]();
}
delete truth.functions.warm;
truth.short.length = 0;

/** The accounts of a function, from now: `t.services(60)` puts what has passed since the last word to the services. */
exports.account = (name) => new Account(name);

/** While `name` waited in a pool, these held its connections: ms each. */
exports.heldBy = (name, holders) => {
  truth.heldBy[name] = holders;
};

/** While answers for `name` lay there, these functions ran: ms each. */
exports.blockedBy = (name, blockers) => {
  truth.blockedBy[name] = blockers;
};

/** Runs for so many ms; says how many it were. */
exports.spin = (ms) => {
  const start = performance.now();
  let now = start;
  while (now - start < ms) now = performance.now();
  return now - start;
};

/** A client whose library is loaded, compiled and connected: calls `ask` three times. */
exports.warm = async (ask) => {
  for (let i = 0; i < 3; i++) await ask();
};

process.on('exit', (code) => {
  if (code === 0) writeSync(1, `TRUTH ${JSON.stringify(truth)}\n`);
});

// --- libraries as there are many: they know nothing of whywait

/** A pool of `all`; who comes while all are out queues. */
exports.createPool = (all) => {
  const free = [...all];
  const queue = [];
  const acquire = () => (free.length > 0 ? Promise.resolve(free.pop()) : new Promise((resolve) => queue.push(resolve)));
  const release = (one) => {
    const next = queue.shift();
    if (next) next(one);
    else free.push(one);
  };
  return {
    acquire,
    release,
    async use(fn) {
      const one = await acquire();
      try {
        return await fn(one);
      } finally {
        release(one);
      }
    },
  };
};

/** Finds every host here, after a while. */
exports.slowLookup = (ms) => (_host, options, done) => {
  const found = options.all ? [[{ address: '127.0.0.1', family: 4 }]] : ['127.0.0.1', 4];
  setTimeout(done, ms, null, ...found);
};

/** Tries again after a pause. */
exports.retry = async (fn, times, pauseMs) => {
  for (let left = times; ; left--) {
    try {
      return await fn();
    } catch (error) {
      if (left <= 1) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
};

/** Loads many in one go: what is asked for in a turn is asked together. */
exports.createLoader = (loadAll) => {
  let batch;
  return (key) => {
    if (batch === undefined) {
      batch = { keys: [] };
      const mine = batch;
      mine.answer = new Promise((resolve, reject) => {
        setImmediate(() => {
          batch = undefined;
          loadAll(mine.keys).then(resolve, reject);
        });
      });
    }
    const at = batch.keys.push(key) - 1;
    return batch.answer.then((all) => all[at]);
  };
};

/** At most so many at once; the others queue. */
exports.createLimit = (most) => {
  const queue = [];
  let running = 0;
  const next = () => {
    running--;
    queue.shift()?.();
  };
  return async (fn) => {
    if (running >= most) await new Promise((resolve) => queue.push(resolve));
    running++;
    try {
      return await fn();
    } finally {
      next();
    }
  };
};

/** One after another: `const unlock = await lock()`. */
exports.createLock = () => {
  let last = Promise.resolve();
  return () => {
    let unlock;
    const mine = new Promise((resolve) => {
      unlock = resolve;
    });
    const before = last;
    last = mine;
    return before.then(() => unlock);
  };
};

/** Routes of middleware that each call the next, as Express has them. */
exports.createApp = () => {
  const chain = [];
  const app = (request, response) => {
    let at = 0;
    const next = (error) => {
      if (error || at === chain.length) {
        response.statusCode = error ? 500 : 404;
        return response.end();
      }
      const handle = chain[at++];
      handle(request, response, next);
    };
    next();
  };
  app.use = (handle) => {
    chain.push(handle);
    return app;
  };
  return app;
};
