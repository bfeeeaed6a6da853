// Functions in each other, none of which waits: each one's own running is its own.
import { account, spin } from 'truth';

async function innermost() {
  const t = account('innermost');
  spin(30);
  t.cpu(30);
}

async function inner() {
  const t = account('inner');
  spin(20);
  t.cpu(20);
  await innermost();
  t.callees(30);
  spin(10);
  t.cpu(10);
}

// Not told apart: a synchronous function under which nothing waits is its caller's running.
function reckon() {
  return spin(20);
}

async function outer() {
  const t = account('outer');
  spin(40);
  t.cpu(40);
  await inner();
  t.callees(60);
  reckon();
  t.cpu(20);
}

await outer();
