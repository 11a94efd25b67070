// Better Auth with the settings that serve verifications best: nothing on the way that the answer does not need.
import { apiKey } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { SqliteDialect } from 'kysely';
import Database from 'libsql';
import pg from 'pg';

export function auth(url, durability) {
  return betterAuth(options(open(url, durability)));
}

/** Makes the tables. */
export async function migrate(url, durability) {
  const { runMigrations } = await getMigrations(options(open(url, durability)));
  await runMigrations();
  process.exit();
}

function options(database) {
  return {
    database,
    baseURL: 'http://127.0.0.1',
    secret: 'a-secret-of-the-benchmark-is-no-secret',
    plugins: [apiKey({ enableMetadata: true })],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
  };
}

/** `durability` is SQLite's `synchronous`; Postgres has its own, which is full where nobody changes it. */
function open(url, durability) {
  if (!url.startsWith('sqlite:')) {
    const parsed = new URL(url);
    // `pg` takes libpq's `sslmode=prefer`, which others write out, for `require`.
    if (parsed.searchParams.get('sslmode') === 'prefer') parsed.searchParams.delete('sslmode');
    return new pg.Pool({ connectionString: parsed.href });
  }
  const database = new Database(url.slice('sqlite:'.length));
  database.exec('pragma busy_timeout = 10000');
  database.exec('pragma journal_mode = wal');
  database.exec(`pragma synchronous = ${durability}`);
  return { dialect: new SqliteDialect({ database }), type: 'sqlite' };
}
