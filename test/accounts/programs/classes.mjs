// Methods, getters, arrow functions and a chain of them.
import { Redis } from 'ioredis';
import { account, ports, spin, warm } from 'truth';

const redis = new Redis(ports.redis[30]);

class Home {
  #cache = redis;

  async load() {
    const t = account('Home.load');
    spin(10);
    t.cpu(10);
    const user = await this.user(); // ended by function Home.user
    t.callees(30);
    const pins = await this.pins(user); // ended by function Home.pins
    t.callees(60);
    return pins;
  }

  async user() {
    const t = account('Home.user');
    const asked = this.#cache.get('user');
    t.cpu();
    await asked; // ended by operation get
    t.services(30);
  }

  pins = async () => {
    const t = account('Home.pins');
    for (const key of ['a', 'b']) {
      const asked = redis.get(key);
      t.cpu();
      await asked; // ended by operation get
      t.services(30);
    }
  };
}

await warm(() => redis.get('warm'));
await new Home().load();
await redis.quit();
