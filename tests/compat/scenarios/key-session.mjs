import { createHash } from 'node:crypto';
import { scenario } from '../differential/scenario.mjs';

const sessions = (...rest) => scenario('sessions', ...rest);
const MINUTE = 60_000;

/** A key of a user, and the header that shows it. */
async function shown(world, body = {}) {
  const owner = world.user();
  const key = await world.key({ userId: owner.id, ...body });
  return { owner, key, headers: { 'x-api-key': key.key } };
}

export default [
  sessions('a key stands for the session of its owner', '200', async (world) => {
    const { headers } = await shown(world);
    await world.get('/get-session', { headers });
  }),
  sessions('the session of a key with a life', '200', async (world) => {
    const { headers } = await shown(world, { expiresIn: 2 * 86_400 });
    await world.get('/get-session', { headers });
  }),
  sessions('the session of a key names the browser', '200', async (world) => {
    const { headers } = await shown(world);
    await world.get('/get-session', { headers: { ...headers, 'user-agent': 'tests' } });
  }),
  sessions('a key in the other header counts too', '200', async (world) => {
    const { key } = await shown(world);
    await world.get('/get-session', { headers: { 'x-other-key': key.key } });
  }),
  sessions('an empty header is none', '200 null', (world) =>
    world.get('/get-session', { headers: { 'x-api-key': '' } }),
  ),
  sessions('a key goes before a cookie', '200', async (world) => {
    const { headers } = await shown(world);
    await world.get('/get-session', { headers: { ...headers, cookie: world.user().cookie } });
  }),
  sessions('a key lists the keys of its owner', '200', async (world) => {
    const { headers } = await shown(world, { name: 'first' });
    await world.get('/api-key/list', { headers });
  }),
  sessions('a key gets a key of its owner', '200', async (world) => {
    const { headers, key } = await shown(world);
    await world.get(`/api-key/get?id=${key.id}`, { headers });
  }),
  sessions("a key does not get another's key", '404 KEY_NOT_FOUND', async (world) => {
    const { headers } = await shown(world);
    const { id } = await world.key({ userId: world.user().id });
    await world.get(`/api-key/get?id=${id}`, { headers });
  }),
  sessions('a key creates a key', '200', async (world) => {
    const { headers } = await shown(world);
    await world.post('/api-key/create', { name: 'second' }, { headers });
  }),
  sessions('a key updates a key', '200', async (world) => {
    const { headers, key } = await shown(world);
    await world.post('/api-key/update', { keyId: key.id, name: 'after' }, { headers });
  }),
  sessions('a key deletes a key', '200', async (world) => {
    const { headers, key } = await shown(world);
    await world.post('/api-key/delete', { keyId: key.id }, { headers });
  }),
  sessions('a key that nobody made is refused', '401 INVALID_API_KEY', (world) =>
    world.get('/get-session', { headers: { 'x-api-key': 'x'.repeat(43) } }),
  ),
  sessions('a key that is too short is refused', '403 INVALID_API_KEY', (world) =>
    world.get('/get-session', { headers: { 'x-api-key': 'short' } }),
  ),
  sessions(
    'a key that is too short for the header, and was made all the same',
    '403 INVALID_API_KEY',
    async (world) => {
      const { key } = await shown(world);
      world.change('apikey', key.id, { key: createHash('sha256').update('a-short-key').digest('base64url') });
      await world.get('/api-key/list', { headers: { 'x-api-key': 'a-short-key' } });
    },
  ),
  sessions('a key that is refused is refused on every endpoint', '401 INVALID_API_KEY', (world) =>
    world.get('/api-key/list', { headers: { 'x-api-key': 'x'.repeat(43) } }),
  ),
  sessions('a key that is refused spoils sign-out', '401 INVALID_API_KEY', (world) =>
    world.post('/sign-out', {}, { headers: { 'x-api-key': 'x'.repeat(43) } }),
  ),
  sessions('a key is looked at before the body is', '401 INVALID_API_KEY', (world) =>
    world.post('/api-key/create', { name: 1 }, { headers: { 'x-api-key': 'x'.repeat(43) } }),
  ),
  sessions('a disabled key is refused', '401 KEY_DISABLED', async (world) => {
    const { headers, key } = await shown(world);
    world.change('apikey', key.id, { enabled: 0 });
    await world.get('/get-session', { headers });
  }),
  sessions('a key without a use left is refused', '429 USAGE_EXCEEDED', async (world) => {
    const { headers, key } = await shown(world, { remaining: 1 });
    await world.use(key);
    await world.get('/get-session', { headers });
  }),
  sessions('a key beyond its limit is refused', '429 RATE_LIMITED', async (world) => {
    const { headers, key } = await shown(world, { rateLimitMax: 1, rateLimitTimeWindow: 5 * MINUTE });
    await world.use(key);
    await world.get('/get-session', { headers });
  }),
  sessions('an expired key is refused', '401 KEY_EXPIRED', async (world) => {
    const { headers, key } = await shown(world);
    world.change('apikey', key.id, { expiresAt: world.at(-MINUTE) });
    await world.get('/get-session', { headers });
  }),
  sessions('of two headers the first counts', '401 INVALID_API_KEY', async (world) => {
    const { key } = await shown(world);
    await world.get('/get-session', { headers: { 'x-other-key': 'x'.repeat(43), 'x-api-key': key.key } });
    await world.get('/get-session', { headers: { 'x-other-key': key.key, 'x-api-key': 'x'.repeat(43) } });
  }),
  sessions('a key that is refused spoils sign-in', '401 INVALID_API_KEY', (world) =>
    world.post('/sign-in/email', { email: 'a@b.co', password: 'x' }, { headers: { 'x-api-key': 'x'.repeat(43) } }),
  ),
  sessions('the origin is looked at before the key', '403 MISSING_OR_NULL_ORIGIN', (world) =>
    world.post('/api-key/create', {}, { headers: { 'x-api-key': 'x'.repeat(43), cookie: 'theme=dark' } }),
  ),
  sessions('an unknown path is not found with a key either', '404', (world) =>
    world.get('/api-key/nothing', { headers: { 'x-api-key': 'x'.repeat(43) } }),
  ),
  sessions('a signed token is taken as a bearer too', '200', async (world) => {
    const { cookie } = world.user();
    await world.get('/get-session', { headers: { authorization: `Bearer ${cookie.split('=')[1]}` } });
  }),
  sessions('a request by a key pays once', 'row', async (world) => {
    const { headers, key } = await shown(world, { remaining: 10 });
    await world.get('/api-key/list', { headers });
    world.row('apikey', key.id);
  }),
  sessions('a key whose owner is gone is refused', '401 INVALID_REFERENCE_ID_FROM_API_KEY', async (world) => {
    const { headers, owner } = await shown(world);
    world.target.rows.remove('session', owner.sessionId);
    world.target.rows.remove('user', owner.id);
    await world.get('/get-session', { headers });
  }),
  sessions('a token of a session is taken as a bearer of it', '200', async (world) => {
    await world.get('/get-session', { headers: { authorization: `Bearer ${world.user().token}` } });
  }),
  sessions('a bearer lists keys', '200', async (world) => {
    const user = world.user();
    await world.key({ userId: user.id });
    await world.get('/api-key/list', { headers: { authorization: `bearer ${user.token}` } });
  }),
  sessions('a bearer of nothing has no session', '200 null', (world) =>
    world.get('/get-session', { headers: { authorization: 'Bearer nothing' } }),
  ),
  sessions('get-session by POST is answered to a key', '200', async (world) => {
    const { headers } = await shown(world);
    await world.post('/get-session', {}, { headers });
  }),
  scenario('plain', 'a key stands for no session where that is off', '200 null', async (world) => {
    const { headers } = await shown(world);
    await world.get('/get-session', { headers });
  }),
  scenario('plain', 'a key lists nothing where sessions from keys are off', '401 UNAUTHORIZED', async (world) => {
    const { headers } = await shown(world);
    await world.get('/api-key/list', { headers });
  }),
  scenario('undefaulted', 'a key of the configuration with sessions stands for one', '200', async (world) => {
    const { headers } = await shown(world, { configId: 'browser' });
    await world.get('/get-session', { headers });
  }),
  scenario(
    'undefaulted',
    'of two configurations with one header the first decides',
    '401 INVALID_API_KEY',
    async (world) => {
      const { headers } = await shown(world, { configId: 'mobile' });
      await world.get('/get-session', { headers });
    },
  ),
  scenario('undefaulted', "an organization's key stands for no session", '401 INVALID_API_KEY', async (world) => {
    const owner = world.user();
    const organizationId = world.organization([owner, 'owner']);
    const key = await world.key({ configId: 'team', organizationId, userId: owner.id });
    await world.get('/get-session', { headers: { 'x-api-key': key.key } });
  }),
];
