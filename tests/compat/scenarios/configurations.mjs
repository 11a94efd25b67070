import { scenario } from '../differential/scenario.mjs';

const several = (...rest) => scenario('several', ...rest);
const undefaulted = (...rest) => scenario('undefaulted', ...rest);

/** A user with a key of the configuration `partners`. */
async function partner(world) {
  const user = world.user();
  const key = await world.key({ userId: user.id, configId: 'partners' });
  return { user, key };
}

export default [
  several('a key is made under a configuration', '200', (world) =>
    world.post('/api-key/create', { configId: 'partners' }, { as: world.user() }),
  ),
  several('a key is made under the default configuration where none is named', '200', (world) =>
    world.post('/api-key/create', {}, { as: world.user() }),
  ),
  several('each configuration has its own bounds', '400 INVALID_NAME_LENGTH', (world) =>
    world.post('/api-key/create', { configId: 'partners', name: 'too long' }, { as: world.user() }),
  ),
  several('each configuration has its own switch for metadata', '400 METADATA_DISABLED', (world) =>
    world.post('/api-key/create', { configId: 'partners', metadata: { a: 1 } }, { as: world.user() }),
  ),
  several('an unknown configuration makes a key of the default one', '200', (world) =>
    world.post('/api-key/create', { configId: 'nobody' }, { as: world.user() }),
  ),
  several('a key verifies where no configuration is named', 'valid', async (world) => {
    const { key } = await partner(world);
    await world.verify(key);
  }),
  several('a key verifies under its configuration', 'valid', async (world) => {
    const { key } = await partner(world);
    await world.verify(key, { configId: 'partners' });
  }),
  several('a key does not verify under another configuration', 'refused INVALID_API_KEY', async (world) => {
    const { key } = await partner(world);
    await world.verify(key, { configId: 'default' });
  }),
  several('a key has the limit of its own configuration', 'refused RATE_LIMITED', async (world) => {
    const key = await world.key({ userId: world.user().id, configId: 'metered' });
    await world.verify(key);
    await world.verify(key);
  }),
  several('a key whose row names no configuration verifies under the default one', 'valid', async (world) => {
    const key = await world.key({ userId: world.user().id });
    world.change('apikey', key.id, { configId: '' });
    await world.verify(key, { configId: 'default' });
  }),
  several('a key of another configuration is not got', '404 KEY_NOT_FOUND', async (world) => {
    const { user, key } = await partner(world);
    await world.get(`/api-key/get?id=${key.id}`, { as: user });
  }),
  several('a key is got under its configuration', '200', async (world) => {
    const { user, key } = await partner(world);
    await world.get(`/api-key/get?id=${key.id}&configId=partners`, { as: user });
  }),
  several('a key of the default configuration is not got under another', '404 KEY_NOT_FOUND', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    await world.get(`/api-key/get?id=${id}&configId=partners`, { as: user });
  }),
  several('a key of another configuration is not updated', '404 KEY_NOT_FOUND', async (world) => {
    const { user, key } = await partner(world);
    await world.post('/api-key/update', { keyId: key.id, name: 'after' }, { as: user });
  }),
  several('a key is updated under its configuration, and its bounds', '400 INVALID_NAME_LENGTH', async (world) => {
    const { user, key } = await partner(world);
    await world.post('/api-key/update', { keyId: key.id, configId: 'partners', name: 'new' }, { as: user });
    await world.post('/api-key/update', { keyId: key.id, configId: 'partners', name: 'too long' }, { as: user });
  }),
  several('a key of another configuration is not deleted', '404 KEY_NOT_FOUND', async (world) => {
    const { user, key } = await partner(world);
    await world.post('/api-key/delete', { keyId: key.id }, { as: user });
  }),
  several('a key is deleted under its configuration', '200', async (world) => {
    const { user, key } = await partner(world);
    await world.post('/api-key/delete', { keyId: key.id, configId: 'partners' }, { as: user });
  }),
  several('a server updates a key of another configuration', '404 KEY_NOT_FOUND', async (world) => {
    const { user, key } = await partner(world);
    await world.server('update', { keyId: key.id, userId: user.id, name: 'new' });
  }),
  several('a list without a configuration has the keys of all', '200', async (world) => {
    const { user } = await partner(world);
    await world.key({ userId: user.id });
    await world.get('/api-key/list?sortBy=configId', { as: user });
  }),
  several('a list under a configuration has its keys', '200', async (world) => {
    const { user } = await partner(world);
    await world.key({ userId: user.id });
    await world.get('/api-key/list?configId=partners', { as: user });
  }),
  several('a list under an unknown configuration is empty', '200', async (world) => {
    const { user } = await partner(world);
    await world.get('/api-key/list?configId=nobody', { as: user });
  }),
  several("a list under an organization's configuration has no key of a user", '200', async (world) => {
    const { user } = await partner(world);
    await world.get('/api-key/list?configId=team', { as: user });
  }),
  undefaulted(
    'without a default configuration a key must name its own',
    '400 NO_DEFAULT_API_KEY_CONFIGURATION_FOUND',
    (world) => world.post('/api-key/create', {}, { as: world.user() }),
  ),
  undefaulted('an unknown configuration needs a default one', '400 NO_DEFAULT_API_KEY_CONFIGURATION_FOUND', (world) =>
    world.post('/api-key/create', { configId: 'nobody' }, { as: world.user() }),
  ),
  undefaulted(
    'the configuration is looked at before the session',
    '400 NO_DEFAULT_API_KEY_CONFIGURATION_FOUND',
    (world) => world.post('/api-key/create', {}),
  ),
  undefaulted('a get looks at the session before the configuration', '401 UNAUTHORIZED', (world) =>
    world.get('/api-key/get?id=nobody'),
  ),
  undefaulted('a get needs a configuration', '400 NO_DEFAULT_API_KEY_CONFIGURATION_FOUND', (world) =>
    world.get('/api-key/get?id=nobody', { as: world.user() }),
  ),
  undefaulted('an update needs a configuration', '400 NO_DEFAULT_API_KEY_CONFIGURATION_FOUND', (world) =>
    world.post('/api-key/update', { keyId: 'nobody', name: 'after' }, { as: world.user() }),
  ),
  undefaulted('a delete needs a configuration', '400 NO_DEFAULT_API_KEY_CONFIGURATION_FOUND', (world) =>
    world.post('/api-key/delete', { keyId: 'nobody' }, { as: world.user() }),
  ),
  undefaulted('a list needs none', '200', (world) => world.get('/api-key/list', { as: world.user() })),
];
