// Better Auth and Keymint on one database: `node shared.mjs`, with the URLs of three empty databases of Postgres in
// KEYMINT_COMPAT_POSTGRES, separated by spaces.
import './settings.mjs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { other: { type: 'string', default: 'keymint' } } });
const { CASES } = await import('./shared/cases.mjs');
const { startKeymint } = await import('./targets/keymint.mjs');
const { startReference } = await import('./targets/reference.mjs');

const names = Object.keys(CASES);
const postgres = (process.env.KEYMINT_COMPAT_POSTGRES ?? '').split(' ').filter(Boolean);
if (postgres.length !== names.length) {
  console.log(
    `KEYMINT_COMPAT_POSTGRES must hold ${names.length} URLs of empty databases, and holds ${postgres.length}`,
  );
  process.exit(1);
}
const start = values.other === 'keymint' ? startKeymint : startReference;
const folder = await mkdtemp(path.join(tmpdir(), 'keymint-compat-'));
const sqlite = names.map((_, index) => `sqlite:${path.join(folder, `${index}.db`)}`);

let failures = 0;
for (const [engine, urls] of Object.entries({ SQLite: sqlite, Postgres: postgres })) {
  for (const [index, name] of names.entries()) {
    const started = performance.now();
    try {
      const checks = await CASES[name](urls[index], start);
      console.log(
        `${name}, on ${engine}: ${checks} checks pass (${((performance.now() - started) / 1000).toFixed(1)} s)`,
      );
    } catch (error) {
      failures += 1;
      console.log(`FAIL ${name}, on ${engine}: ${error.message}`);
    }
  }
}
await rm(folder, { recursive: true, force: true });
process.exit(failures > 0 ? 1 : 0);
