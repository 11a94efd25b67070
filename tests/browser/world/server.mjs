// A `keymint` process on a fresh SQLite database, in a folder of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'libsql';

const SERVER_KEY = 'a-server-key-of-thirty-two-or-more';

/** A certificate for this machine and its key, as paths of PEM files. Node trusts it, and browsers are told not to mind. */
export const CERTIFICATE = { certificate: process.env.KEYMINT_BROWSER_CERTIFICATE, key: process.env.KEYMINT_BROWSER_KEY };

/** Starts a server with the rest of a configuration, and waits until it says where it listens. */
export async function startServer({ rest = '', binary = process.env.KEYMINT_BINARY, port, level = 'debug', access = true, tls } = {}) {
  if (!binary) throw new Error('KEYMINT_BINARY names no keymint binary');
  const folder = await mkdtemp(path.join(tmpdir(), 'keymint-browser-'));
  port ??= await freePort();
  const origin = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const configuration = `
[server]
listen = "127.0.0.1:${port}"
base_url = "${origin}"
${tls ? `tls = { certificate = "${tls.certificate}", key = "${tls.key}" }` : ''}

[log]
level = "${level}"
access = ${access}

[identity]
throttle = { max_requests = 0 }
${rest}`;
  await writeFile(path.join(folder, 'keymint.toml'), configuration);
  const said = [];
  const run = (words) => {
    const child = spawn(binary, words, {
      cwd: folder,
      env: { KEYMINT_SERVER_KEYS: SERVER_KEY },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk) => said.push(String(chunk)));
    child.stderr.on('data', (chunk) => said.push(String(chunk)));
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('close', () => process.off('exit', kill));
    return child;
  };
  const child = run(['serve']);
  const ended = once(child, 'close').then(() => undefined);
  const first = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
  if (!first?.[0].includes('listens on')) throw new Error(`keymint did not start: ${said.join('')}`);
  return {
    origin,
    folder,
    pid: child.pid,
    /** All that the server has printed and logged so far. */
    said: () => said.join(''),
    /** Runs another command of the binary beside the server, and returns its output. */
    async command(...words) {
      const other = run(words);
      let output = '';
      other.stdout.on('data', (chunk) => (output += chunk));
      const [status] = await once(other, 'close');
      if (status !== 0) throw new Error(`keymint ${words.join(' ')} failed: ${said.slice(-5).join('')}`);
      return output;
    },
    /** Posts to the API as a server, or as the user of a cookie. */
    async call(endpoint, body, cookie) {
      const who = cookie ? { cookie } : { authorization: `Bearer ${SERVER_KEY}` };
      const answer = await fetch(`${origin}${endpoint.startsWith('/') ? endpoint : `/api/auth/${endpoint}`}`, {
        method: 'POST',
        headers: { ...who, origin, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${endpoint} answers ${answer.status}: ${text}`);
      return { ...JSON.parse(text), cookies: answer.headers.getSetCookie() };
    },
    /** Changes rows beside the server, as another program on the database would: time and old rows are made so. */
    rows(work) {
      const database = new Database(path.join(folder, 'keymint.db'));
      database.exec('pragma busy_timeout = 10000');
      try {
        return work(database);
      } finally {
        database.close();
      }
    },
    async stop() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port that is free now: the address must be known before the start, since forms are taken from it alone. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
