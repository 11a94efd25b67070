// How long the console's pages take, and what they cost: `node figures.mjs [--keymint FILE] [--before FILE]`.
// `--before` is a build without the console, to compare sizes and starts with. Rates need wrk.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { PAGES, addressOf } from '../../tests/browser/pages.mjs';
import { claimOf, enterPortal, lastingLink, makeOperator, resetOf, signUp } from '../../tests/browser/world/people.mjs';
import { startServer } from '../../tests/browser/world/server.mjs';

const root = path.join(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: {
    keymint: { type: 'string', default: path.join(root, 'target/dist/keymint') },
    before: { type: 'string' },
    keys: { type: 'string', default: '100000' },
    requests: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '5' },
  },
});
const [KEYS, REQUESTS, SECONDS, ROUNDS] = [options.keys, options.requests, options.seconds, options.rounds].map(Number);
/** The keys of the owner whose pages are measured; the others have 400 owners. */
const OWNED = Math.min(20_000, Math.floor(KEYS / 5));
/** A slow page is requested for this time, and not as often as the others. */
const MOST_MS = 4000;
const HOUR_IN_MS = 3_600_000;
const REST = '[[api_key]]\nrate_limit = { enabled = false }\nenable_metadata = true\nundelete_days = 7\n';

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

await sizesAndStarts();
await pages();
await rates();

/** Pages with many keys in the database, one request at a time over one connection. */
async function pages() {
  const server = await startServer({ rest: REST, binary: options.keymint, level: 'warn' });
  const owner = await signUp(server, 'Olive', 'olive@example.com');
  const operator = await signUp(server, 'Otto', 'otto@example.com');
  makeOperator(server, operator);
  fill(server, owner);
  const first = await server.call('api-key/create', { userId: owner.id, name: 'first', metadata: { plan: 'pro' }, remaining: 5000 });
  const revoked = await server.call('api-key/create', { userId: owner.id, name: 'revoked' });
  await server.call('api-key/revoke', { id: revoked.id });
  const rotating = await server.call('api-key/create', { userId: owner.id, name: 'rotating' });
  await server.call('api-key/rotate', { keyId: rotating.id });
  const guest = await enterPortal(server, owner);
  const ids = {
    finding: 'never_expires', used: first.id, revoked: revoked.id, rotating: rotating.id, olive: owner.id,
    session: guest.id, link: await lastingLink(server, owner), claim: claimOf(server), reset: await resetOf(server, owner),
  };
  const people = { owner, operator, guest, nobody: undefined };
  addUsage(server, [first.id]);

  const rows = [];
  const seen = new Set();
  const more = [
    { name: 'keys, page 100', path: '/console/keys?page=100', as: ['owner', 'operator'] },
    { name: 'keys, by start', path: '/console/keys?q=key_0001', as: ['owner', 'operator'] },
    { name: 'keys, by name', path: '/console/keys?q=key+77', as: ['owner', 'operator'] },
    { name: 'keys of an owner', path: '/console/keys?owner=owner-7', as: ['operator'] },
    { name: 'keys, active', path: '/console/keys?status=active', as: ['owner', 'operator'] },
    { name: 'keys, unused for 90 days', path: '/console/keys?idle=90', as: ['owner', 'operator'] },
  ];
  for (const entry of [...PAGES, ...more].filter((entry) => !entry.open)) {
    for (const who of entry.as) {
      if (!(who in people)) continue;
      const user = people[who];
      if ([...entry.path.matchAll(/\{(\w+)\}/g)].some(([, name]) => ids[name] === undefined)) continue;
      const address = addressOf(entry, { ids });
      if (seen.has(`${who} ${address}`)) continue;
      seen.add(`${who} ${address}`);
      const times = [];
      let page;
      const end = performance.now() + MOST_MS;
      for (let number = -2; number < REQUESTS && (number < 5 || performance.now() < end); number += 1) {
        const began = performance.now();
        page = await get(server.origin + address, user?.cookie);
        const took = performance.now() - began;
        if (number >= 0) times.push(took);
        // Long lists rest for as long as they took, so that they leave half of the time to others. People rest longer.
        await new Promise((resolve) => setTimeout(resolve, took));
      }
      if (page.status !== (entry.status ?? 200) && page.status !== 200) {
        console.error(`left out: ${entry.name}, which answers ${page.status}`);
        continue;
      }
      console.error(`${entry.name}, ${who}: ${times.length} requests`);
      times.sort((a, b) => a - b);
      const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(1);
      rows.push([`${entry.name}, ${who}`, at(0.5), at(0.95), page.body.length, gzipSync(page.body).length]);
    }
  }
  console.log(`\n${KEYS} keys, ${OWNED} of the owner; ${REQUESTS} requests each\n`);
  print(['page', 'p50, ms', 'p95, ms', 'bytes', 'gzipped'], rows);
  const worst = Math.max(...rows.map(([, , p95]) => Number(p95)));
  console.log(`\nthe slowest p95 is ${worst} ms`);

  const signIn = await get(`${server.origin}/console/sign-in`);
  const assets = [...String(signIn.body).matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(([, found]) => found);
  const sizes = [];
  for (const asset of assets) {
    const { body } = await get(server.origin + asset);
    sizes.push([asset.split('/').at(-1).replace(/\..*\./, '.'), body.length, gzipSync(body).length]);
  }
  const sum = (place) => sizes.reduce((all, row) => all + row[place], 0);
  console.log('');
  print(['file', 'bytes', 'gzipped'], [...sizes, ['all files', sum(1), sum(2)]]);
  await server.stop();
}

/** Inserts keys, and uses of the newest ones, beside the server. */
function fill(server, owner) {
  server.rows((rows) => {
    rows.exec('begin');
    const insert = rows.prepare(
      `insert into "apikey" ("id", "configId", "name", "start", "referenceId", "prefix", "key", "enabled", "rateLimitEnabled",
        "rateLimitTimeWindow", "rateLimitMax", "requestCount", "createdAt", "updatedAt", "expiresAt", "lastRequest")
       values (?, 'default', ?, ?, ?, 'key_', ?, 1, 0, 86400000, 10, 0, ?, ?, ?, ?)`,
    );
    const now = Date.now();
    const instant = (ms) => new Date(now + ms).toISOString();
    for (let number = 0; number < KEYS; number += 1) {
      const made = instant((number - KEYS) * 60_000);
      const expires = number % 3 === 0 ? instant(((number % 300) + 1) * 24 * HOUR_IN_MS) : null;
      const used = number % 2 === 0 ? instant(-(number % 2000) * HOUR_IN_MS) : null;
      const of = number % 5 === 0 && number / 5 < OWNED ? owner.id : `owner-${number % 500}`;
      const start = `key_${String(number % 10_000).padStart(4, '0')}`;
      insert.run(`k${String(number).padStart(31, '0')}`, `key ${number}`, start, of, `hash-${number}`, made, made, expires, used);
    }
    rows.exec('commit');
    rows.exec('analyze');
  });
  const newest = Array.from({ length: 2000 }, (_, place) => `k${String(KEYS - 1 - place).padStart(31, '0')}`);
  addUsage(server, newest);
}

function addUsage(server, ids) {
  server.rows((rows) => {
    rows.exec('begin');
    const insert = rows.prepare(
      `insert into "keymint_usage" ("keyId", "hour", "hours", "outcome", "calls", "cost") values (?, ?, 1, ?, ?, ?)`,
    );
    // Usage is found by the owner's activity.
    const activity = rows.prepare(
      `insert or ignore into "keymint_activity" ("keyId", "ownerId", "configId", "lastUsedAt")
       select "id", "referenceId", "configId", ? from "apikey" where "id" = ?`,
    );
    const hour = Math.floor(Date.now() / HOUR_IN_MS);
    for (const id of ids) {
      activity.run(new Date().toISOString(), id);
      for (let back = 1; back <= 24 * 30; back += ids.length === 1 ? 1 : 12) {
        insert.run(id, hour - back, '', 10 + (back % 90), 10 + (back % 90));
        if (back % 7 === 0) insert.run(id, hour - back, 'RATE_LIMITED', 3, 0);
      }
    }
    rows.exec('commit');
  });
}

/** Verifications a second: without the console, with it, and while somebody uses it. */
async function rates() {
  if (spawnSync('wrk', ['--version']).error) return console.log('\nno wrk, so no rates');
  const folder = await mkdtemp(path.join(tmpdir(), 'keymint-pages-'));
  const script = path.join(folder, 'load.lua');
  await writeFile(
    script,
    `wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer a-server-key-of-thirty-two-or-more"
local keys = {}
function init(arguments)
  for key in io.lines(arguments[1]) do keys[#keys + 1] = '{"key":"' .. key .. '"}' end
end
function request() return wrk.format(nil, nil, nil, keys[math.random(#keys)]) end
`,
  );
  const found = { 'without the console': [], 'with the console': [], 'while somebody uses it': [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [subject, rates] of Object.entries(found)) {
      const rest = `${REST}default_remaining = 2000000000\n[console]\nenabled = ${subject !== 'without the console'}\n`;
      const server = await startServer({ rest, binary: options.keymint, level: 'warn', access: false });
      const file = path.join(folder, 'keys');
      const minted = [];
      for (let number = 0; number < 1000; number += 50) {
        const some = Array.from({ length: 50 }, () => server.call('api-key/create', { userId: 'ada' }));
        minted.push(...(await Promise.all(some)));
      }
      await writeFile(file, minted.map(({ key }) => key).join('\n'));
      const user = await signUp(server, 'Otto', 'otto@example.com');
      makeOperator(server, user);
      const url = `${server.origin}/api/auth/api-key/verify`;
      await wrk(script, url, file, 1);
      let isUsed = subject === 'while somebody uses it';
      let clicks = 0;
      const use = async () => {
        const paths = ['/console/keys', `/console/keys/${minted[0].id}`, '/console/keys?q=k', '/console/keys/new'];
        while (isUsed) {
          await get(server.origin + paths[clicks % paths.length], user.cookie);
          clicks += 1;
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      };
      const used = use();
      rates.push(await wrk(script, url, file, SECONDS));
      isUsed = false;
      await used;
      await server.stop();
    }
  }
  console.log(`\nverifications a second over 32 connections, SQLite, ${ROUNDS} rounds of ${SECONDS} s; somebody clicks five times a second\n`);
  const middle = (rates) => [...rates].sort((a, b) => a - b)[Math.floor(rates.length / 2)];
  const rows = Object.entries(found).map(([subject, rates]) => {
    const ratios = rates.map((rate, round) => rate / found['without the console'][round]);
    const text = (list, digits) =>
      `${middle(list).toFixed(digits)} (${Math.min(...list).toFixed(digits)} to ${Math.max(...list).toFixed(digits)})`;
    return [subject, text(rates, 0), text(ratios, 2)];
  });
  print(['', 'verifications a second', 'ratio'], rows);
  await rm(folder, { recursive: true, force: true });
}

async function wrk(script, url, file, seconds) {
  const child = spawn('wrk', ['-t1', '-c32', `-d${seconds}s`, '-s', script, url, '--', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  await once(child, 'close');
  if (/Non-2xx/.test(said)) throw new Error(said);
  return Number(said.match(/Requests\/sec:\s+([\d.]+)/)[1]);
}

/** The size of the binary, and the time from its start to its first answer: on a new database, and on an existing one. */
async function sizesAndStarts() {
  const rows = [];
  for (const [name, binary] of [['before', options.before], ['with the console', options.keymint]]) {
    if (!binary) continue;
    const times = { first: [], again: [] };
    for (let number = 0; number < 11; number += 1) {
      const folder = await mkdtemp(path.join(tmpdir(), 'keymint-start-'));
      for (const which of ['first', 'again']) times[which].push(await start(binary, folder));
      await rm(folder, { recursive: true, force: true });
    }
    const middle = (list) => list.sort((a, b) => a - b)[5].toFixed(1);
    rows.push([name, (await stat(binary)).size, middle(times.first), middle(times.again)]);
  }
  print(['', 'bytes', 'start on a new database, ms', 'on an existing one, ms'], rows);
}

async function start(binary, folder) {
  const began = performance.now();
  const env = { KEYMINT_SERVER_KEYS: 'a-server-key-of-thirty-two-or-more', KEYMINT__SERVER__LISTEN: '127.0.0.1:0' };
  const child = spawn(binary, ['serve'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(child.stdout, 'data');
  const origin = String(line).match(/http:\/\/[\d.:]+/)[0];
  await get(`${origin}/healthz`);
  const took = performance.now() - began;
  child.kill('SIGTERM');
  await once(child, 'close');
  return took;
}

function get(url, cookie) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, headers: cookie ? { cookie } : {} }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
  });
}

function print(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  console.log([line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n'));
}
process.exit(0);
