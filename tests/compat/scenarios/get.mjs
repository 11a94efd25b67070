import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);

export default [
  plain('a user gets a key', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id, name: 'first', permissions: { files: ['read'] } });
    await world.get(`/api-key/get?id=${id}`, { as: user });
  }),
  plain('a key shows its metadata as an object', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id, metadata: { plan: 'free', nested: { list: [1, null, 'a'] } } });
    await world.get(`/api-key/get?id=${id}`, { as: user });
  }),
  plain('metadata that was stored twice as JSON is shown as an object', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    world.change('apikey', id, { metadata: JSON.stringify(JSON.stringify({ plan: 'free' })) });
    await world.get(`/api-key/get?id=${id}`, { as: user });
  }),
  plain('a text in metadata that looks like an instant', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id, metadata: { since: '2020-01-01T00:00:00Z' } });
    await world.get(`/api-key/get?id=${id}`, { as: user });
  }),
  plain('permissions that cannot be read', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    world.change('apikey', id, { permissions: '{"files":' });
    await world.get(`/api-key/get?id=${id}`, { as: user });
  }),
  plain('metadata that is NULL in the row is shown as null', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    world.change('apikey', id, { metadata: null });
    await world.get(`/api-key/get?id=${id}`, { as: user });
  }),
  plain('members that are NULL in the row are shown as null', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    world.change('apikey', id, {
      enabled: null,
      rateLimitEnabled: null,
      rateLimitMax: null,
      rateLimitTimeWindow: null,
      start: null,
    });
    await world.get(`/api-key/get?id=${id}`, { as: user });
  }),
  plain('a key that nobody has is not found', '404 KEY_NOT_FOUND', (world) =>
    world.get('/api-key/get?id=nobody', { as: world.user() }),
  ),
  plain("another's key is not found", '404 KEY_NOT_FOUND', async (world) => {
    const { id } = await world.key({ userId: world.user().id });
    await world.get(`/api-key/get?id=${id}`, { as: world.user() });
  }),
  plain('nobody gets a key', '401 UNAUTHORIZED', async (world) => {
    const { id } = await world.key({ userId: world.user().id });
    await world.get(`/api-key/get?id=${id}`);
  }),
  plain('a get without an id is refused', '400 VALIDATION_ERROR', (world) =>
    world.get('/api-key/get', { as: world.user() }),
  ),
  plain('a get without an id is refused before the session is looked at', '400 VALIDATION_ERROR', (world) =>
    world.get('/api-key/get'),
  ),
  plain('a get with an empty id finds nothing', '404 KEY_NOT_FOUND', (world) =>
    world.get('/api-key/get?id=', { as: world.user() }),
  ),
  plain('a get with two ids is refused', '400 VALIDATION_ERROR', (world) =>
    world.get('/api-key/get?id=one&id=two', { as: world.user() }),
  ),
  plain('a get with an unknown configuration means the default one', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    await world.get(`/api-key/get?id=${id}&configId=nobody`, { as: user });
  }),
];
