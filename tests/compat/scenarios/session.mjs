import { SESSION_COOKIE } from '../differential/world.mjs';
import { scenario } from '../differential/scenario.mjs';
import { DAY_IN_MS } from '../settings.mjs';

const plain = (...rest) => scenario('plain', ...rest);

/** A session that is due to be refreshed: it lives seven days, and the first of them is over. */
function dueSession(world) {
  return {
    expiresAt: world.at(5 * DAY_IN_MS),
    createdAt: world.at(-2 * DAY_IN_MS),
    updatedAt: world.at(-2 * DAY_IN_MS),
  };
}

export default [
  plain('get-session without a cookie is null', '200 null', async (world) => {
    await world.get('/get-session');
  }),
  plain('get-session tells session and user', '200', async (world) => {
    await world.get('/get-session', { as: world.user() });
  }),
  plain('get-session reads the first cookie of the name, among others', '200', async (world) => {
    const [first, second] = [world.user(), world.user()];
    await world.get('/get-session', { headers: { cookie: `theme=dark; ${first.cookie}; ${second.cookie}` } });
  }),
  plain('get-session reads a cookie in quotes', '200', async (world) => {
    const { cookie } = world.user();
    const [name, value] = cookie.split('=');
    await world.get('/get-session', { headers: { cookie: `${name}="${value}"` } });
  }),
  plain('get-session reads a cookie that is not percent-encoded', '200', async (world) => {
    const { cookie } = world.user();
    await world.get('/get-session', { headers: { cookie: decodeURIComponent(cookie) } });
  }),
  plain('get-session with a wrong signature is null', '200 null', async (world) => {
    const { token } = world.user();
    const signature = `${'A'.repeat(43)}=`;
    await world.get('/get-session', { headers: { cookie: world.cookie(token, signature) } });
  }),
  plain('get-session with a signature of another length is null', '200 null', async (world) => {
    const { token } = world.user();
    await world.get('/get-session', { headers: { cookie: world.cookie(token, 'short') } });
  }),
  plain('get-session with a bare token is null', '200 null', async (world) => {
    const { token } = world.user();
    await world.get('/get-session', { headers: { cookie: `${SESSION_COOKIE}=${token}` } });
  }),
  plain('get-session of a session that is gone is null and clears the cookies', '200 null', async (world) => {
    await world.get('/get-session', { headers: { cookie: world.cookie('gone'.padEnd(32, '0')) } });
  }),
  plain('get-session of an expired session is null and clears the cookies', '200 null', async (world) => {
    await world.get('/get-session', { as: world.user({ expiresAt: world.at(-60_000) }) });
  }),
  plain('get-session removes an expired session', 'no row', async (world) => {
    const user = world.user({ expiresAt: world.at(-60_000) });
    await world.get('/get-session', { as: user });
    world.row('session', user.sessionId);
  }),
  plain('get-session refreshes a session after a day', '200', async (world) => {
    await world.get('/get-session', { as: world.user(dueSession(world)) });
  }),
  plain('get-session writes the refreshed lifetime', 'row', async (world) => {
    const user = world.user(dueSession(world));
    await world.get('/get-session', { as: user });
    world.row('session', user.sessionId);
  }),
  plain('get-session with disableRefresh leaves a session as it is', '200', async (world) => {
    await world.get('/get-session?disableRefresh=true', { as: world.user(dueSession(world)) });
  }),
  plain('get-session does not refresh what the browser shall forget', '200', async (world) => {
    const { cookie } = world.user(dueSession(world));
    const forget = world.cookie('true').replace(SESSION_COOKIE, 'better-auth.dont_remember');
    await world.get('/get-session', { headers: { cookie: `${cookie}; ${forget}` } });
  }),
  plain('get-session by POST is not allowed', '405 METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED', async (world) => {
    await world.post('/get-session', {}, { as: world.user() });
  }),
  plain('another endpoint refreshes a session too', '200', async (world) => {
    await world.get('/api-key/list', { as: world.user(dueSession(world)) });
  }),
  plain('another endpoint clears the cookies of a dead session', '401 UNAUTHORIZED', async (world) => {
    await world.get('/api-key/list', { as: world.user({ expiresAt: world.at(-60_000) }) });
  }),
  plain('a refusal refreshes a session too', '400 INVALID_NAME_LENGTH', async (world) => {
    await world.post('/api-key/create', { name: 'x'.repeat(33) }, { as: world.user(dueSession(world)) });
  }),
  plain('a malformed request refreshes no session', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/api-key/create', { name: 1 }, { as: world.user(dueSession(world)) });
  }),
  plain('sign-out removes the session and clears the cookies', '200', async (world) => {
    await world.post('/sign-out', {}, { as: world.user() });
  }),
  plain('sign-out removes the row', 'no row', async (world) => {
    const user = world.user();
    await world.post('/sign-out', {}, { as: user });
    world.row('session', user.sessionId);
  }),
  plain('sign-out without a session succeeds', '200', async (world) => {
    await world.post('/sign-out', {});
  }),
  plain('sign-out without a body succeeds', '200', async (world) => {
    await world.post('/sign-out', undefined, { as: world.user() });
  }),
  plain('sign-out leaves the session of a cookie with a wrong signature', 'row', async (world) => {
    const user = world.user();
    const cookie = world.cookie(user.token, `${'A'.repeat(43)}=`);
    await world.post('/sign-out', {}, { headers: { cookie, origin: world.origin } });
    world.row('session', user.sessionId);
  }),
  scenario('secure', 'behind https, a cookie without the prefix is no session', '200 null', async (world) => {
    await world.get('/get-session', { as: world.user() });
  }),
  scenario('secure', 'behind https, the cookie with the prefix is one', '200', async (world) => {
    const { cookie } = world.user();
    await world.get('/get-session', { headers: { cookie: `__Secure-${cookie}` } });
  }),
  scenario('secure', 'behind https, sign-out clears cookies for secure connections', '200', async (world) => {
    const { cookie } = world.user();
    await world.post('/sign-out', {}, { headers: { cookie: `__Secure-${cookie}`, origin: world.origin } });
  }),
];
