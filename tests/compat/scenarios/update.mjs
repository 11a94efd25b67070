import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const strict = (...rest) => scenario('strict', ...rest);
const limited = (...rest) => scenario('limited', ...rest);
const DAY = 86_400;

/** A user changes a key of their own. */
async function update(world, body, made = {}) {
  const user = world.user();
  const key = await world.key({ userId: user.id, name: 'before', ...made });
  await world.post('/api-key/update', { keyId: key.id, ...body }, { as: user });
  return key;
}

const SERVER_ONLY = {
  remaining: 10,
  refillAmount: 10,
  refillInterval: 1000,
  rateLimitTimeWindow: 1000,
  rateLimitMax: 10,
  rateLimitEnabled: false,
  permissions: { files: ['read'] },
};

export default [
  plain('a user renames a key', '200', (world) => update(world, { name: 'after' })),
  plain('an empty owner of a change is none', '200', (world) => update(world, { userId: '', name: 'after' })),
  plain('a changed key is written as a row', 'row', async (world) => {
    const { id } = await update(world, { name: 'after', metadata: { a: 1 }, expiresIn: 7 * DAY, enabled: false });
    world.row('apikey', id);
  }),
  plain('a changed key tells when it was changed', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    world.change('apikey', id, { createdAt: world.at(-7_200_000), updatedAt: world.at(-7_200_000) });
    await world.post('/api-key/update', { keyId: id, name: 'after' }, { as: user });
  }),
  plain('a user disables a key, which then does not verify', 'refused KEY_DISABLED', async (world) => {
    await world.verify(await update(world, { enabled: false }));
  }),
  plain('a user enables a key again', 'valid', async (world) => {
    const user = world.user();
    const key = await world.key({ userId: user.id });
    world.change('apikey', key.id, { enabled: 0 });
    await world.post('/api-key/update', { keyId: key.id, enabled: true }, { as: user });
    await world.verify(key);
  }),
  plain('a user changes the life of a key', '200', (world) => update(world, { expiresIn: 30 * DAY })),
  plain('a user makes a key live for ever', '200', (world) =>
    update(world, { expiresIn: null }, { expiresIn: 7 * DAY }),
  ),
  plain('a user may not make a life too short', '400 EXPIRES_IN_IS_TOO_SMALL', (world) =>
    update(world, { expiresIn: 60 }),
  ),
  plain('a user may not make a life too long', '400 EXPIRES_IN_IS_TOO_LARGE', (world) =>
    update(world, { expiresIn: 366 * DAY }),
  ),
  plain('a user changes the metadata of a key', '200', (world) => update(world, { metadata: { plan: 'paid' } })),
  plain('a user clears the metadata of a key', '200', (world) =>
    update(world, { metadata: null }, { metadata: { a: 1 } }),
  ),
  plain('a user may not make metadata a text', '400 INVALID_METADATA_TYPE', (world) =>
    update(world, { metadata: 'paid' }),
  ),
  plain('an empty name is refused', '400 INVALID_NAME_LENGTH', (world) => update(world, { name: '' })),
  plain('a name that is too long is refused by update', '400 INVALID_NAME_LENGTH', (world) =>
    update(world, { name: 'x'.repeat(33) }),
  ),
  plain('an update of nothing is refused', '400 NO_VALUES_TO_UPDATE', (world) => update(world, {})),
  plain('an update of unknown members is one of nothing', '400 NO_VALUES_TO_UPDATE', (world) =>
    update(world, { prefix: 'new', key: 'mine', start: 'abc' }),
  ),
  plain('an update without a key is refused', '400 VALIDATION_ERROR', (world) =>
    world.post('/api-key/update', { name: 'after' }, { as: world.user() }),
  ),
  plain('an update without a body is refused', '400 VALIDATION_ERROR', (world) =>
    world.post('/api-key/update', undefined, { as: world.user() }),
  ),
  plain('all that is malformed is told by update', '400 VALIDATION_ERROR', (world) =>
    update(world, {
      configId: 1,
      name: 2,
      enabled: 'yes',
      remaining: 0,
      refillAmount: 'x',
      refillInterval: [],
      metadata: 5,
      expiresIn: 0,
      rateLimitEnabled: 1,
      rateLimitTimeWindow: 'x',
      rateLimitMax: {},
      permissions: 5,
    }),
  ),
  plain('a key that nobody has is not updated', '404 KEY_NOT_FOUND', (world) =>
    world.post('/api-key/update', { keyId: 'nobody', name: 'after' }, { as: world.user() }),
  ),
  plain('a key with an empty id is not updated', '404 KEY_NOT_FOUND', (world) =>
    world.post('/api-key/update', { keyId: '', name: 'after' }, { as: world.user() }),
  ),
  plain("another's key is not updated", '404 KEY_NOT_FOUND', async (world) => {
    const { id } = await world.key({ userId: world.user().id });
    await world.post('/api-key/update', { keyId: id, name: 'after' }, { as: world.user() });
  }),
  plain('nobody updates a key', '401 UNAUTHORIZED_SESSION', async (world) => {
    const { id } = await world.key({ userId: world.user().id });
    await world.post('/api-key/update', { keyId: id, name: 'after' });
  }),
  plain('nobody who names its owner updates a key', '401 UNAUTHORIZED_SESSION', async (world) => {
    const { id, referenceId } = await world.key({ userId: world.user().id });
    await world.post('/api-key/update', { keyId: id, userId: referenceId, name: 'after' });
  }),
  plain('a user may name themselves in an update', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    await world.post('/api-key/update', { keyId: id, userId: user.id, name: 'after' }, { as: user });
  }),
  plain('a user may not name another one in an update', '401 UNAUTHORIZED_SESSION', (world) =>
    update(world, { userId: 'somebody', name: 'after' }),
  ),
  ...Object.entries(SERVER_ONLY).map(([member, value]) =>
    plain(`a user may not change ${member}`, '400 SERVER_ONLY_PROPERTY', (world) => update(world, { [member]: value })),
  ),
  plain('a user may not clear permissions', '400 SERVER_ONLY_PROPERTY', (world) =>
    update(world, { permissions: null }),
  ),
  plain('nobody is told of server-only members in an update', '401 UNAUTHORIZED_SESSION', (world) =>
    world.post('/api-key/update', { keyId: 'nobody', remaining: 5 }),
  ),

  plain('metadata that was stored twice as JSON comes out of an update as an object', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    world.change('apikey', id, { metadata: JSON.stringify(JSON.stringify({ plan: 'free' })) });
    await world.post('/api-key/update', { keyId: id, name: 'after' }, { as: user });
  }),
  strict('a life is not changed where that is off', '400 KEY_DISABLED_EXPIRATION', (world) =>
    update(world, { expiresIn: 7 * DAY }),
  ),
  strict('a life is not made endless where that is off', '400 KEY_DISABLED_EXPIRATION', (world) =>
    update(world, { expiresIn: null }),
  ),
  strict('metadata alone is nothing where it is off', '400 NO_VALUES_TO_UPDATE', (world) =>
    update(world, { metadata: { a: 1 } }),
  ),
  strict('metadata beside a name is passed over where it is off', '200', (world) =>
    update(world, { name: 'after', metadata: { a: 1 } }),
  ),
  limited('a name under the shortest is refused by update', '400 INVALID_NAME_LENGTH', (world) =>
    update(world, { name: 'ab' }),
  ),
  limited('a life under the lower bound is refused by update', '400 EXPIRES_IN_IS_TOO_SMALL', (world) =>
    update(world, { expiresIn: DAY }),
  ),
  limited('a life within the bounds is taken by update', '200', (world) => update(world, { expiresIn: 3 * DAY })),
];
