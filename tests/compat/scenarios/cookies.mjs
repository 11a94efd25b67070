// Cookies as browsers, proxies and strangers write them.
import { sign } from '../differential/placeholders.mjs';
import { scenario } from '../differential/scenario.mjs';
import { SESSION_COOKIE } from '../differential/world.mjs';
import { DAY_IN_MS } from '../settings.mjs';

const plain = (...rest) => scenario('plain', ...rest);

/** Ways to write the cookie of a session; some of them are none. */
function writings({ token, cookie }) {
  const signature = sign(token);
  const value = encodeURIComponent(`${token}.${signature}`);
  const urlSafe = signature.replaceAll('+', '-').replaceAll('/', '_');
  return [
    `theme=dark;${cookie};lang=en`,
    `  ${cookie}  `,
    `${SESSION_COOKIE} = ${value}`,
    `${SESSION_COOKIE}=; ${cookie}`,
    `${SESSION_COOKIE}=`,
    SESSION_COOKIE,
    `${SESSION_COOKIE}=%zz`,
    `${SESSION_COOKIE}=${value}%zz`,
    `${SESSION_COOKIE}=${token}`,
    `${SESSION_COOKIE}=${token}.`,
    `${SESSION_COOKIE}=.${encodeURIComponent(signature)}`,
    `${SESSION_COOKIE}=${token}.${signature.slice(0, -1)}`,
    `${SESSION_COOKIE}=${token}.${urlSafe}`,
    `${SESSION_COOKIE}=${token}x.${encodeURIComponent(signature)}`,
    `${SESSION_COOKIE}=${encodeURIComponent(value)}`,
    `${SESSION_COOKIE.toUpperCase()}=${value}`,
    `"${SESSION_COOKIE}"=${value}`,
    `${SESSION_COOKIE}="${value}"; theme=dark`,
    `${SESSION_COOKIE}="${value}`,
    `__Secure-${cookie}`,
    `__Host-${cookie}`,
    `x${cookie}`,
    `=${value}`,
    ';;;',
  ];
}

/** A user whose session is due to be refreshed. */
function due(world) {
  const times = { createdAt: world.at(-2 * DAY_IN_MS), updatedAt: world.at(-2 * DAY_IN_MS) };
  return world.user({ expiresAt: world.at(5 * DAY_IN_MS), ...times });
}

export default [
  plain('cookies in many writings', '200 null', async (world) => {
    const user = world.user();
    for (const cookie of writings(user)) await world.get('/get-session', { headers: { cookie } });
  }),
  plain('a mark not to remember that is not signed is none', '200', async (world) => {
    const { cookie } = due(world);
    await world.get('/get-session', { headers: { cookie: `${cookie}; better-auth.dont_remember=true` } });
  }),
  plain('a mark not to remember that says something else', '200', async (world) => {
    const { cookie } = due(world);
    const mark = world.cookie('false').replace(SESSION_COOKIE, 'better-auth.dont_remember');
    await world.get('/get-session', { headers: { cookie: `${cookie}; ${mark}` } });
  }),
  plain('a session is refreshed once its first day is over', '200', async (world) => {
    const times = { createdAt: world.at(-DAY_IN_MS), updatedAt: world.at(-DAY_IN_MS) };
    await world.get('/get-session', { as: world.user({ expiresAt: world.at(6 * DAY_IN_MS + 60_000), ...times }) });
    await world.get('/get-session', { as: world.user({ expiresAt: world.at(6 * DAY_IN_MS - 60_000), ...times }) });
  }),
  plain('the switch against refreshing in many writings', '200', async (world) => {
    for (const value of ['true', 'false', '1', '0', '', 'x']) {
      await world.get(`/get-session?disableRefresh=${value}`, { as: due(world) });
    }
  }),
  plain('the switch against the cookie cache is no matter', '200', async (world) => {
    await world.get('/get-session?disableCookieCache=true&unknown=1', { as: world.user() });
  }),
  plain('sign-out with a dead session clears the cookies', '200', async (world) => {
    await world.post('/sign-out', {}, { as: world.user({ expiresAt: world.at(-60_000) }) });
  }),
];
