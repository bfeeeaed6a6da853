import got from 'got';

const url = process.env.HTTP_URL;

async function readUser(id) {
  return await got(`${url}/users/${id}`).json();
}

async function askBroken() {
  try {
    await got(`${url}/broken`, { retry: { limit: 0 } });
  } catch (error) {
    return error.response.statusCode;
  }
}

async function handle(id) {
  await readUser(id);
  await askBroken();
}

await Promise.all(Array.from({ length: 20 }, (_, i) => handle(i)));
