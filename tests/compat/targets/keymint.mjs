// A `keymint` process of its own for every profile, in a folder of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { BASE_PATH, SECRET, SERVER_KEY } from '../settings.mjs';
import { send } from './http.mjs';

/** Where the tests that start this find the binary. */
export const BINARY = process.env.KEYMINT_BINARY;

/** Starts a server, which makes the tables that are missing. */
export async function startKeymint(profile, url) {
  const folder = await mkdtemp(path.join(tmpdir(), 'keymint-compat-'));
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const origin = profile.baseUrl ?? address;
  await writeFile(path.join(folder, 'keymint.toml'), configuration(profile, url, port, origin));
  const child = await start(['serve'], folder);
  return {
    name: 'keymint',
    address,
    origin,
    call: (endpoint, body) => call(address, endpoint, body),
    stop: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Makes Keymint's tables in a database, without a server. */
export async function migrateByKeymint(profile, url) {
  const folder = await mkdtemp(path.join(tmpdir(), 'keymint-compat-'));
  await writeFile(path.join(folder, 'keymint.toml'), configuration(profile, url, 1, 'http://127.0.0.1'));
  const child = run(['migrate'], folder);
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`keymint migrate failed: ${child.said.join('')}`);
  await rm(folder, { recursive: true, force: true });
}

function configuration(profile, url, port, origin) {
  const origins = JSON.stringify(profile.trustedOrigins ?? []);
  return `
[server]
listen = "127.0.0.1:${port}"
base_url = "${origin}"
trusted_origins = ${origins}

[database]
url = "${url}"

[cleanup]
interval_seconds = 0

[identity]
throttle = { max_requests = 0, window_seconds = 60 }
${profile.keymint}`;
}

/** Runs the binary with nothing of the tests' own environment. */
function run(words, folder) {
  if (!BINARY) throw new Error('KEYMINT_BINARY names no keymint binary');
  const child = spawn(BINARY, words, {
    cwd: folder,
    env: { KEYMINT_SECRET: SECRET, KEYMINT_SERVER_KEYS: SERVER_KEY },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.said = [];
  child.stderr.on('data', (chunk) => child.said.push(String(chunk)));
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

/** Starts a server and waits until it says where it listens. */
async function start(words, folder) {
  const child = run(words, folder);
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'close').then(() => undefined);
  const first = await Promise.race([once(lines, 'line'), ended]);
  if (!first?.[0].includes('listens on')) throw new Error(`keymint did not start: ${child.said.join('')}`);
  return child;
}

async function call(address, endpoint, body) {
  return send(`${address}${BASE_PATH}/api-key/${endpoint}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SERVER_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body ?? {}),
  });
}

/** A port that is free now: the address must be known before the start, since the trusted origin is made of it. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
