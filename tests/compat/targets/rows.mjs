// One statement on a database that others are using.
import Database from 'libsql';
import pg from 'pg';
import { connection } from './postgres.mjs';

/** Writes a text into a column of the row of an id, on SQLite or Postgres. */
export async function write(url, table, id, column, text) {
  if (url.startsWith('sqlite:')) {
    const database = new Database(url.slice('sqlite:'.length));
    database.exec('pragma busy_timeout = 10000');
    database.prepare(`update "${table}" set "${column}" = ? where id = ?`).run(text, id);
    database.close();
    return;
  }
  const client = new pg.Client(connection(url));
  await client.connect();
  await client.query(`update "${table}" set "${column}" = $1 where id = $2`, [text, id]);
  await client.end();
}
