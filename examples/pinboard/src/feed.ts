// The feed service: GET /home/:id. `feed.ts fixed` serves the second version of the page.

import { createServer } from 'node:http';
import { loadHome as fixed } from '../fixed/home.ts';
import { loadHome as first } from './home.ts';

const loadHome = process.argv[2] === 'fixed' ? fixed : first;

const server = createServer(async (request, response) => {
  const id = Number(/^\/home\/(\d+)$/.exec(request.url ?? '')?.[1]);
  try {
    const home = await loadHome(id);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(home));
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});
server.listen(Number(process.env['FEED_PORT']), '127.0.0.1', () => process.send?.('ready'));
process.once('SIGTERM', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));
