// Private methods, static ones, one that a base class has, a getter that gives a promise.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const [quick, slow] = [30, 60].map((hold) => new Redis(ports.redis[hold]));

class Store {
  async read(key) {
    const t = account('Store.read');
    const asked = quick.get(key);
    t.cpu();
    await asked; // ended by operation get
    t.services(30);
  }
}

class Board extends Store {
  static async open(name) {
    const t = account('Board.open');
    const board = new Board();
    const opened = board.#check(name);
    t.callees();
    await opened; // ended by function Board.#check
    t.callees(60);
    return board;
  }

  async #check(name) {
    const t = account('Board.#check');
    const asked = slow.hgetall(name);
    t.cpu();
    await asked; // ended by operation hgetall
    t.services(60);
    spin(10);
    t.cpu(10);
  }

  get pins() {
    return this.read('pins');
  }
}

async function showBoard() {
  const t = account('showBoard');
  const opened = Board.open('a');
  t.callees();
  const board = await opened; // ended by function Board.open
  t.callees(70);
  const pins = board.pins;
  t.callees();
  await pins; // ended by function Store.read
  t.callees(30);
}

for (const one of [quick, slow]) await warm(() => one.get('warm'));
await warm(() => slow.hgetall('warm'));
await showBoard();
for (const one of [quick, slow]) await one.quit();
