// Better Auth as a server that verifies: `POST /api/auth/api-key/verify`, by the call that its plugin has for that.
// `node server.mjs migrate DATABASE DURABILITY`, or `serve DATABASE DURABILITY WORKERS`.
import cluster from 'node:cluster';
import http from 'node:http';
import { auth, migrate } from './auth.mjs';

const [, , command, database, durability, workers] = process.argv;

if (command === 'migrate') {
  await migrate(database, durability);
} else if (workers === '1') {
  serve((url) => console.log(`better-auth listens on ${url}`));
} else if (cluster.isPrimary) {
  lead(Number(workers));
} else {
  serve((url) => process.send(url));
}

/** Starts the workers, which share a port, and says it once all of them listen. */
function lead(count) {
  let ready = 0;
  for (let number = 0; number < count; number += 1) {
    cluster.fork().on('message', (url) => {
      ready += 1;
      if (ready === count) console.log(`better-auth listens on ${url}`);
    });
  }
}

function serve(started) {
  const { verifyApiKey } = auth(database, durability).api;
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      let status = 404;
      let text = '{}';
      try {
        if (request.method === 'POST' && request.url === '/api/auth/api-key/verify') {
          text = JSON.stringify(await verifyApiKey({ body: JSON.parse(Buffer.concat(chunks)) }));
          status = 200;
        }
      } catch (error) {
        status = error.statusCode ?? 500;
        text = JSON.stringify({ message: String(error.message) });
      }
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      response.end(text);
    });
  });
  // Connections of a load generator wait for their turn.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1', () => started(`http://127.0.0.1:${server.address().port}`));
}
