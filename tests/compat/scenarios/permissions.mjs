import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);

/** A key of a user, made by the server. */
function key(world, body = {}) {
  return world.key({ userId: world.user().id, ...body });
}

export default [
  plain('a permission that the key has is granted', 'valid', async (world) => {
    const made = await key(world, { permissions: { files: ['read', 'write'], users: ['list'] } });
    await world.verify(made, { permissions: { files: ['read'] } });
  }),
  plain('all permissions that are asked for are needed', 'refused KEY_NOT_FOUND', async (world) => {
    const made = await key(world, { permissions: { files: ['read'] } });
    await world.verify(made, { permissions: { files: ['read', 'write'] } });
  }),
  plain('permissions on all resources are needed', 'refused KEY_NOT_FOUND', async (world) => {
    const made = await key(world, { permissions: { files: ['read'] } });
    await world.verify(made, { permissions: { files: ['read'], users: ['list'] } });
  }),
  plain('a key without permissions has none', 'refused KEY_NOT_FOUND', async (world) => {
    await world.verify(await key(world), { permissions: { files: ['read'] } });
  }),
  plain('an empty request for permissions is refused', 'refused KEY_NOT_FOUND', async (world) => {
    await world.verify(await key(world, { permissions: { files: ['read'] } }), { permissions: {} });
  }),
  plain('an empty list of actions is refused', 'refused KEY_NOT_FOUND', async (world) => {
    await world.verify(await key(world, { permissions: { files: ['read'] } }), { permissions: { files: [] } });
  }),
  plain('a missing permission costs nothing', 'row', async (world) => {
    const made = await key(world, { remaining: 5 });
    await world.verify(made, { permissions: { files: ['read'] } });
    world.row('apikey', made.id);
  }),
];
