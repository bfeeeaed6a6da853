// fetch that a signal's time-out ends, and one that answers in time.
import { account, ports, warm } from 'truth';

const url = `http://127.0.0.1:${ports.http[0]}`;

async function fetchInTime() {
  const t = account('fetchInTime');
  try {
    await t.asked(fetch(`${url}/slow?ms=400`, { signal: AbortSignal.timeout(80) })); // ended by timer
  } catch {
    t.timers(78);
  }
  const response = await t.asked(fetch(`${url}/a?ms=60`, { signal: AbortSignal.timeout(5_000) }));
  t.services(40);
  await t.asked(response.text()); // ended by operation GET
  t.services();
}

await warm(async () => (await fetch(`${url}/warm`)).text());
await fetchInTime();
process.exit();
