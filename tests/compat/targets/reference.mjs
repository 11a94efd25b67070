// Better Auth itself, over real HTTP, with SQLite or Postgres behind it.
import http from 'node:http';
import Database from 'libsql';
import pg from 'pg';
import { SECRET } from '../settings.mjs';
import * as current from './packages.mjs';
import { connection } from './postgres.mjs';

/**
 * Starts a server whose tables exist, and that takes the calls which only a server can make. `packages` says which
 * version of Better Auth it is.
 */
export async function startReference(profile, url, packages = current) {
  // Node closes a connection that is idle for 5 s, just while the agent may be sending the next request on it.
  const server = http.createServer({ keepAliveTimeout: 0 });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}`;
  const database = openDatabase(url, packages);
  const auth = packages.betterAuth(options(profile, database, profile.baseUrl ?? address, packages));
  server.on('request', packages.toNodeHandler(auth));
  return {
    name: 'reference',
    address,
    origin: profile.baseUrl ?? address,
    call: (endpoint, body) => call(auth, endpoint, body),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.close();
    },
  };
}

/** Makes the tables that a profile needs, as Better Auth makes them. */
export async function migrate(profile, url, packages = current) {
  await withMigrations(profile, url, packages, ({ runMigrations }) => runMigrations());
}

/** The tables and columns that Better Auth misses in a database. */
export async function missing(profile, url, packages = current) {
  return withMigrations(profile, url, packages, ({ toBeCreated, toBeAdded }) =>
    [...toBeCreated, ...toBeAdded].map(({ table, fields }) => `${table}: ${Object.keys(fields).join(', ')}`),
  );
}

async function withMigrations(profile, url, packages, work) {
  const database = openDatabase(url, packages);
  try {
    return await work(await packages.getMigrations(options(profile, database, 'http://127.0.0.1', packages)));
  } finally {
    await database.close();
  }
}

function openDatabase(url, { SqliteDialect }) {
  if (!url.startsWith('sqlite:')) {
    const pool = new pg.Pool(connection(url));
    return { option: pool, close: () => pool.end() };
  }
  const database = new Database(url.slice('sqlite:'.length));
  database.exec('pragma busy_timeout = 10000');
  database.exec('pragma journal_mode = wal');
  return {
    option: { dialect: new SqliteDialect({ database }), type: 'sqlite' },
    close: async () => database.close(),
  };
}

function options(profile, database, baseURL, { apiKey }) {
  return {
    database: database.option,
    baseURL,
    secret: SECRET,
    trustedOrigins: profile.trustedOrigins ?? [],
    emailAndPassword: profile.reference.emailAndPassword ?? { enabled: true },
    plugins: [apiKey(profile.reference.apiKey), ...(profile.reference.plugins ?? [])],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
  };
}

const METHODS = {
  verify: 'verifyApiKey',
  create: 'createApiKey',
  update: 'updateApiKey',
  'delete-all-expired-api-keys': 'deleteAllExpiredApiKeys',
};

/** A call inside the process, put as the answer that HTTP would give. */
async function call(auth, endpoint, body) {
  try {
    const value = await auth.api[METHODS[endpoint]]({ body });
    return { status: 200, type: 'application/json', cookies: [], body: JSON.parse(JSON.stringify(value)) };
  } catch (error) {
    if (typeof error.statusCode !== 'number') throw error;
    return { status: error.statusCode, type: 'application/json', cookies: [], body: error.body };
  }
}
