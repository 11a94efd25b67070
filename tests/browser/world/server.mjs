// A `keymint` process on a fresh SQLite database, in a folder of its own.
import { once } from 'node:events';
import path from 'node:path';
import Database from 'libsql';
import { end, folderWith, freePort, run, serve } from '../../support/keymint.mjs';

const SERVER_KEY = 'a-server-key-of-thirty-two-or-more';

/** A certificate for this machine and its key, as paths of PEM files. Node trusts it, and browsers are told not to mind. */
export const CERTIFICATE = { certificate: process.env.KEYMINT_BROWSER_CERTIFICATE, key: process.env.KEYMINT_BROWSER_KEY };

/**
 * Starts a server with the rest of a configuration, and waits until it says where it listens. `prepare` changes its
 * database before the start. `tries` is the number of sign-ins and guesses within a minute; 0 = any.
 */
export async function startServer({ rest = '', binary, port, level = 'debug', access = true, tls, tries = 0, prepare } = {}) {
  // Forms are taken from the server's own address alone.
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
throttle = { max_requests = ${tries} }
${rest}`;
  const folder = await folderWith(configuration);
  const said = [];
  const options = { folder, environment: { KEYMINT_SERVER_KEYS: SERVER_KEY }, binary, said };
  /** Runs another command of the binary beside the server, and returns its output. */
  const command = async (...words) => {
    const other = run(words, options);
    let output = '';
    other.stdout.on('data', (chunk) => (output += chunk));
    const [status] = await once(other, 'close');
    if (status !== 0) throw new Error(`keymint ${words.join(' ')} failed: ${said.slice(-5).join('')}`);
    return output;
  };
  /** Changes rows beside the server, as another program on the database would: time and old rows are made so. */
  const rows = (work) => {
    const database = new Database(path.join(folder, 'keymint.db'));
    database.exec('pragma busy_timeout = 10000');
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  if (prepare) {
    await command('migrate');
    rows(prepare);
  }
  const child = await serve(options);
  return {
    origin,
    folder,
    pid: child.pid,
    command,
    rows,
    /** All that the server has printed and logged so far. */
    said: () => said.join(''),
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
    stop: () => end(child, folder),
  };
}
