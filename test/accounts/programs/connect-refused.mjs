// The first host does not answer at its port, the second does.
import net from 'node:net';
import { account, ports, spin, warm } from 'truth';

const closed = net.createServer();
await new Promise((resolve) => closed.listen(0, '127.0.0.1', resolve));
const nobody = closed.address().port;
await new Promise((resolve) => closed.close(resolve));

async function load() {
  const t = account('load');
  for (const port of [nobody, ports.http[60]]) {
    try {
      const response = await t.asked(fetch(`http://127.0.0.1:${port}/a`));
      t.services(60);
      await response.text();
      t.services();
    } catch {
      t.connect();
    }
  }
  spin(10);
  t.cpu(10);
}

await warm(async () => (await fetch(`http://127.0.0.1:${ports.http[0]}/warm`)).text());
await warm(() => fetch(`http://127.0.0.1:${nobody}/warm`).catch(() => {}));
await load();
process.exit();
