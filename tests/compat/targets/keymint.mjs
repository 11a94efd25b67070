// A `keymint` process of its own for every profile, in a folder of its own.
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { end, folderWith, freePort, run, serve } from '../../support/keymint.mjs';
import { BASE_PATH, SECRET, SERVER_KEY } from '../settings.mjs';
import { send } from './http.mjs';

const environment = { KEYMINT_SECRET: SECRET, KEYMINT_SERVER_KEYS: SERVER_KEY };

/** Starts a server, which makes the tables that are missing. */
export async function startKeymint(profile, url) {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  // The trusted origin is made of the address.
  const origin = profile.baseUrl ?? address;
  const folder = await folderWith(configuration(profile, url, port, origin));
  const child = await serve({ folder, environment });
  return {
    name: 'keymint',
    address,
    origin,
    call: (endpoint, body) => call(address, endpoint, body),
    stop: () => end(child, folder),
  };
}

/** Makes Keymint's tables in a database, without a server. */
export async function migrateByKeymint(profile, url) {
  const folder = await folderWith(configuration(profile, url, 1, 'http://127.0.0.1'));
  const said = [];
  const [status] = await once(run(['migrate'], { folder, environment, said }), 'exit');
  if (status !== 0) throw new Error(`keymint migrate failed: ${said.join('')}`);
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

async function call(address, endpoint, body) {
  return send(`${address}${BASE_PATH}/api-key/${endpoint}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SERVER_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body ?? {}),
  });
}
