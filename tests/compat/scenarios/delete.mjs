import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);

/** A user deletes a key of their own. */
async function remove(world) {
  const user = world.user();
  const key = await world.key({ userId: user.id });
  await world.post('/api-key/delete', { keyId: key.id }, { as: user });
  return { user, key };
}

export default [
  plain('a user deletes a key', '200', (world) => remove(world)),
  plain('a deleted key leaves no row', 'no row', async (world) => {
    const { key } = await remove(world);
    world.row('apikey', key.id);
  }),
  plain('a deleted key does not verify', 'refused INVALID_API_KEY', async (world) => {
    const { key } = await remove(world);
    await world.verify(key);
  }),
  plain('a deleted key is not deleted again', '404 KEY_NOT_FOUND', async (world) => {
    const { user, key } = await remove(world);
    await world.post('/api-key/delete', { keyId: key.id }, { as: user });
  }),
  plain('a key that nobody has is not deleted', '404 KEY_NOT_FOUND', (world) =>
    world.post('/api-key/delete', { keyId: 'nobody' }, { as: world.user() }),
  ),
  plain('a key with an empty id is not deleted', '404 KEY_NOT_FOUND', (world) =>
    world.post('/api-key/delete', { keyId: '' }, { as: world.user() }),
  ),
  plain("another's key is not deleted", '404 KEY_NOT_FOUND', async (world) => {
    const { id } = await world.key({ userId: world.user().id });
    await world.post('/api-key/delete', { keyId: id }, { as: world.user() });
  }),
  plain("another's key is still there after that", 'row', async (world) => {
    const { id } = await world.key({ userId: world.user().id });
    await world.post('/api-key/delete', { keyId: id }, { as: world.user() });
    world.row('apikey', id);
  }),
  plain('nobody deletes a key', '401 UNAUTHORIZED', async (world) => {
    const { id } = await world.key({ userId: world.user().id });
    await world.post('/api-key/delete', { keyId: id });
  }),
  plain('a delete without a key is refused', '400 VALIDATION_ERROR', (world) =>
    world.post('/api-key/delete', {}, { as: world.user() }),
  ),
  plain('a delete without a body is refused', '400 VALIDATION_ERROR', (world) =>
    world.post('/api-key/delete', undefined, { as: world.user() }),
  ),
  plain('a delete of a key that is no text is refused', '400 VALIDATION_ERROR', (world) =>
    world.post('/api-key/delete', { keyId: 5, configId: null }, { as: world.user() }),
  ),
  plain('all expired keys are deleted', '200', (world) => world.server('delete-all-expired-api-keys')),
  plain('a key that has expired is gone after that', 'no row', async (world) => {
    const { id } = await world.key({ userId: world.user().id });
    world.change('apikey', id, { expiresAt: world.at(-60_000) });
    await world.server('delete-all-expired-api-keys');
    world.row('apikey', id);
  }),
  plain('a key that has not expired is there after that', 'row', async (world) => {
    const { id } = await world.key({ userId: world.user().id, expiresIn: 7 * 86_400 });
    await world.server('delete-all-expired-api-keys');
    world.row('apikey', id);
  }),
];
