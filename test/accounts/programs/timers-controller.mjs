// fetch that a controller ends after a while, as a search does when the user goes on typing.
import { account, ports, spin, warm } from 'truth';

const url = `http://127.0.0.1:${ports.http[0]}`;

async function search(words, ms) {
  const controller = new AbortController();
  const t = account('search');
  const timer = setTimeout(() => controller.abort(), 80);
  try {
    const response = await t.asked(fetch(`${url}/${words}?ms=${ms}`, { signal: controller.signal }));
    t.services(ms);
    await response.text();
    t.services();
  } catch {
    t.timers(78);
  } finally {
    clearTimeout(timer);
  }
  spin(10);
  t.cpu(10);
}

await warm(async () => (await fetch(`${url}/warm`)).text());
await warm(async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 5);
  await fetch(`${url}/warm?ms=50`, { signal: controller.signal }).catch(() => {});
});
await search('a', 400);
await search('ab', 30);
process.exit();
