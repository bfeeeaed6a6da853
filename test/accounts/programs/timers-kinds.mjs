// Each way to wait for a timer.
import { once } from 'node:events';
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { account, spin } from 'truth';

async function byExecutor() {
  const t = account('byExecutor');
  await t.asked(new Promise((resolve) => setTimeout(resolve, 60))); // ended by timer
  t.timers(58);
  spin(20);
  t.cpu(20);
}

async function byCallback() {
  const t = account('byCallback');
  await new Promise((resolve) => {
    setTimeout(() => {
      t.timers(58);
      spin(20);
      t.cpu(20);
      resolve();
    }, 60);
  });
}

async function byPromises() {
  const t = account('byPromises');
  await t.asked(sleep(60)); // ended by timer
  t.timers(58);
}

async function byPromisify() {
  const t = account('byPromisify');
  await t.asked(promisify(setTimeout)(60, 'value')); // ended by timer
  t.timers(58);
}

async function byInterval() {
  const t = account('byInterval');
  let left = 4;
  for await (const _ of every(30)) {
    t.timers(15);
    spin(10);
    t.cpu(10);
    if (--left === 0) break;
  }
}

async function byTicks() {
  const t = account('byTicks');
  await new Promise((resolve) => {
    let left = 3;
    const ticks = setInterval(() => {
      if (--left > 0) return;
      clearInterval(ticks);
      resolve();
    }, 30);
  });
  t.timers(85);
}

async function bySignal() {
  const t = account('bySignal');
  // It keeps no process alive.
  const alive = setTimeout(() => {}, 10_000);
  await t.asked(once(AbortSignal.timeout(60), 'abort')); // ended by timer
  clearTimeout(alive);
  t.timers(58);
}

await new Promise((resolve) => setTimeout(resolve, 1));
await sleep(1);
await byExecutor();
await byCallback();
await byPromises();
await byPromisify();
await byInterval();
await byTicks();
await bySignal();
