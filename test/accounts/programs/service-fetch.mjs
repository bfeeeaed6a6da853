// fetch: the head comes, then the body.
import { account, ports, warm } from 'truth';

const url = `http://127.0.0.1:${ports.http[0]}`;

async function load() {
  const t = account('load');
  const response = await t.asked(fetch(`${url}/a?ms=80&chunks=2&every=60`));
  t.services(80);
  await t.asked(response.text()); // ended by operation GET
  t.services();
}

await warm(async () => (await fetch(`${url}/warm`)).text());
await load();
process.exit();
