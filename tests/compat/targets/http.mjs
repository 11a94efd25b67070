// HTTP with every header under the caller's control; `fetch` adds some of its own and hides others.
import http from 'node:http';

const agent = new http.Agent({ keepAlive: true });
const PATIENCE_IN_MS = 20_000;

/** Sends one request and returns the status, the headers that are compared, and the body's text. */
export function send(url, { method = 'GET', headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent, timeout: PATIENCE_IN_MS }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve(summary(response, Buffer.concat(chunks).toString('utf8'))));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer to ${method} ${url}`)));
    request.on('error', reject);
    request.end(body);
  });
}

function summary(response, text) {
  return {
    status: response.statusCode,
    type: response.headers['content-type']?.split(';')[0].trim().toLowerCase(),
    location: response.headers.location,
    cookies: response.headers['set-cookie'] ?? [],
    body: parse(text),
  };
}

function parse(text) {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
