// Two running targets for every profile.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startKeymint } from '../targets/keymint.mjs';
import { migrate, startReference } from '../targets/reference.mjs';
import { SqliteRows } from '../targets/sqlite.mjs';

/** Starts the reference and the other side of a profile, each on a database of its own. */
export async function startPair(profile, other) {
  const folder = await mkdtemp(path.join(tmpdir(), 'keymint-compat-'));
  const [reference, keymint] = await Promise.all([
    startOn(path.join(folder, 'reference.db'), profile, startMigratedReference),
    startOn(path.join(folder, 'other.db'), profile, other === 'reference' ? startMigratedReference : startTested),
  ]);
  return {
    targets: [reference, keymint],
    stop: async () => {
      await Promise.all([reference, keymint].map((target) => target.stop()));
      [reference, keymint].forEach((target) => target.rows.close());
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startMigratedReference(profile, url) {
  await migrate(profile, url);
  return startReference(profile, url);
}

async function startTested(profile, url) {
  if (profile.madeByReference) await migrate(profile, url);
  return startKeymint(profile, url);
}

async function startOn(file, profile, start) {
  const target = await start(profile, `sqlite:${file}`);
  return { ...target, rows: new SqliteRows(file) };
}
