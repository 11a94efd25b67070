import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const limited = (...rest) => scenario('limited', ...rest);

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
  plain('a star is the name of a resource', 'valid', async (world) => {
    await world.verify(await key(world, { permissions: { '*': ['read'] } }), { permissions: { '*': ['read'] } });
  }),
  plain('a star grants no other resource', 'refused KEY_NOT_FOUND', async (world) => {
    await world.verify(await key(world, { permissions: { '*': ['read'] } }), { permissions: { files: ['read'] } });
  }),
  plain('a star grants no other action', 'refused KEY_NOT_FOUND', async (world) => {
    await world.verify(await key(world, { permissions: { files: ['*'] } }), { permissions: { files: ['read'] } });
  }),
  limited('where stars are names a star grants no other resource', 'refused KEY_NOT_FOUND', async (world) => {
    await world.verify(await key(world, { permissions: { '*': ['read'] } }), { permissions: { files: ['read'] } });
  }),
  plain('a bare list of permissions is refused', '400 VALIDATION_ERROR', (world) =>
    world.server('create', { userId: world.user().id, permissions: ['read'] }),
  ),
  plain('a missing permission costs nothing', 'row', async (world) => {
    const made = await key(world, { remaining: 5 });
    await world.verify(made, { permissions: { files: ['read'] } });
    world.row('apikey', made.id);
  }),
];
