// The measured functions: none does any I/O. `measure` of each calls it over and over and gives ns a call, less what the
// loop itself takes; the parent says which, in turns.

const table = Array.from({ length: 64 }, (_, i) => ({ id: i, name: `user ${i}` }));

const find = (id) => table[id & 63];

function sync(id) {
  const user = find(id);
  return user.id + format(user).length;
}

function format(user) {
  return user.name;
}

function returning(id) {
  return find(id);
}

function mapping(id) {
  let sum = 0;
  table.slice(id & 31, (id & 31) + 4).forEach((user) => {
    sum += format(user).length;
  });
  return sum;
}

async function plain(id) {
  const user = find(id);
  return format(user).length;
}

async function awaiting(id) {
  const user = find(await id);
  return format(user).length;
}

async function awaitingTwice(id) {
  const user = find(await id);
  return format(await user).length;
}

async function nested(id) {
  return (await plain(id)) + 1;
}

/** What the functions answered, so that no call can be left out. */
let kept = 0;

const syncLoop = (fn) => (calls) => {
  for (let i = 0; i < calls; i++) kept += fn(i).length ?? 0;
};

const asyncLoop = (fn) => async (calls) => {
  for (let i = 0; i < calls; i++) kept += await fn(i);
};

const cases = {
  sync: syncLoop(sync),
  returning: syncLoop(returning),
  mapping: syncLoop(mapping),
  plain: asyncLoop(plain),
  awaiting: asyncLoop(awaiting),
  awaitingTwice: asyncLoop(awaitingTwice),
  nested: asyncLoop(nested),
};

process.on('message', async ({ name, calls }) => {
  const before = process.cpuUsage();
  await cases[name](calls);
  const { user, system } = process.cpuUsage(before);
  process.send({ ns: (1000 * (user + system)) / calls, kept });
});
