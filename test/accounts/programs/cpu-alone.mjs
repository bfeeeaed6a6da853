// Nothing but its own code, in an async function.
import { account, spin } from 'truth';

async function reckon() {
  const t = account('reckon');
  spin(80);
  t.cpu(80);
}

await reckon();
