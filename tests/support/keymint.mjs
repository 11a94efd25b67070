// The server's binary, for tests in JavaScript.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** How long a server may take until it listens. */
const PATIENCE_MS = 120_000;

/** Makes a folder with a configuration file. */
export async function folderWith(configuration) {
  const folder = await mkdtemp(path.join(tmpdir(), 'keymint-test-'));
  await writeFile(path.join(folder, 'keymint.toml'), configuration);
  return folder;
}

/**
 * Runs the binary in a folder, with this environment alone. What it prints and logs is appended to `said`. It does not
 * outlive this process.
 */
export function run(words, { folder, environment, binary = process.env.KEYMINT_BINARY, said = [] }) {
  if (!binary) throw new Error('KEYMINT_BINARY names no keymint binary');
  const child = spawn(binary, words, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(String(chunk)));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  return child;
}

/** Starts a server as `run` does, and waits until it says where it listens. */
export async function serve(options) {
  const said = options.said ?? [];
  const child = run(['serve'], { ...options, said });
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const line = once(createInterface({ input: child.stdout }), 'line', { signal }).catch(() => undefined);
  const first = await Promise.race([line, once(child, 'close').then(() => undefined)]);
  if (!first?.[0].includes('listens on')) {
    child.kill('SIGKILL');
    throw new Error(`keymint did not start: ${said.join('')}`);
  }
  return child;
}

/** Kills a server, and removes its folder. */
export async function end(child, folder) {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await rm(folder, { recursive: true, force: true });
}

/** Returns a port that is free now, for those who must know the address before the start. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
