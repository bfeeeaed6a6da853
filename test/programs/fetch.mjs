// The global fetch: answers, an error status, a refused connection.
const url = process.env.HTTP_URL;

async function readUser(id) {
  const answer = await fetch(`${url}/users/${id}?token=secret-token`, {
    headers: { authorization: 'Bearer secret-token' },
  });
  return await answer.json();
}

async function saveUser(id) {
  const answer = await fetch(`${url}/users/${id}`, {
    method: 'POST',
    body: JSON.stringify({ password: 'secret-value' }),
  });
  await answer.arrayBuffer();
}

async function askMissing() {
  const answer = await fetch(`${url}/missing`);
  await answer.arrayBuffer();
}

async function handle(id) {
  await readUser(id);
  await saveUser(id);
  await askMissing();
}

await Promise.all(Array.from({ length: 20 }, (_, i) => handle(i)));
