// Rows as somebody else may have written them.
import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const METADATA = ['', 'null', '{}', '[1,2]', '5', 'true', '"text"', '"{\\"a\\":1}"', '"null"', '"[1]"'];
const PERMISSIONS = ['null', '{}', '{"files":[]}', '{"files":["read"],"users":["list"]}'];

/** Shows a user a key for each value of a column. */
async function showEach(world, column, values) {
  const user = world.user();
  for (const value of values) {
    const { id } = await world.key({ userId: user.id });
    world.change('apikey', id, { [column]: value });
    await world.get(`/api-key/get?id=${id}`, { as: user });
  }
}

/** Verifies a key whose row was changed, twice. */
async function verifyTwice(world, columns) {
  const made = await world.key({ userId: world.user().id });
  world.change('apikey', made.id, columns);
  await world.verify(made);
  await world.verify(made);
  world.row('apikey', made.id);
}

export default [
  plain('metadata in many writings', '200', (world) => showEach(world, 'metadata', METADATA)),
  plain('metadata that cannot be read', '500', (world) => showEach(world, 'metadata', ['{"a":', 'text'])),
  plain('permissions that are an empty text', '200', (world) => showEach(world, 'permissions', [''])),
  plain('permissions in many writings', '200', (world) => showEach(world, 'permissions', PERMISSIONS)),
  plain('a refill that is due fills what was unlimited', 'row', (world) =>
    verifyTwice(world, { remaining: null, refillAmount: 5, refillInterval: HOUR, createdAt: world.at(-2 * HOUR) }),
  ),
  plain('a refill amount without an interval fills nothing', 'row', (world) =>
    verifyTwice(world, { remaining: 1, refillAmount: 5, createdAt: world.at(-2 * HOUR) }),
  ),
  plain('a refill interval without an amount fills nothing', 'row', (world) =>
    verifyTwice(world, { remaining: 5, refillInterval: HOUR, createdAt: world.at(-2 * HOUR) }),
  ),
  plain('a quota under nothing is none left', 'row', (world) => verifyTwice(world, { remaining: -1 })),
  plain('a count beyond the limit starts again after the window', 'row', (world) =>
    verifyTwice(world, {
      requestCount: 99,
      rateLimitMax: 5,
      rateLimitTimeWindow: MINUTE,
      lastRequest: world.at(-2 * MINUTE),
    }),
  ),
  plain('a count without a last request starts again', 'row', (world) =>
    verifyTwice(world, { requestCount: 99, rateLimitMax: 5, rateLimitTimeWindow: MINUTE }),
  ),
  plain('a limit without a number is none', 'row', (world) => verifyTwice(world, { rateLimitMax: null })),
  plain('an empty name, start and prefix are shown', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    world.change('apikey', id, { name: '', start: '', prefix: '' });
    await world.get(`/api-key/get?id=${id}`, { as: user });
  }),
  plain('a user with an image and a verified address is shown', '200', async (world) => {
    const user = world.user();
    world.change('user', user.id, { image: 'https://example.com/a.png', emailVerified: 1, name: '' });
    await world.get('/get-session', { as: user });
  }),
  plain('a session with an address and a browser is shown', '200', async (world) => {
    await world.get('/get-session', { as: world.user({ ipAddress: '10.0.0.1', userAgent: 'tests' }) });
  }),
  plain('a session without an address and a browser is shown', '200', async (world) => {
    await world.get('/get-session', { as: world.user({ ipAddress: null, userAgent: null }) });
  }),
];
