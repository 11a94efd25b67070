import { scenario } from '../differential/scenario.mjs';

const banning = (...rest) => scenario('banning', ...rest);

/** A user who is banned, and had a key made before. */
async function banned(world) {
  const user = world.user();
  const key = await world.key({ userId: user.id });
  world.change('user', user.id, { banned: 1 });
  return { user, key };
}

export default [
  banning('a user who is not banned creates a key', '200', (world) =>
    world.post('/api-key/create', {}, { as: world.user() }),
  ),
  banning('a banned user deletes no key', '401 USER_BANNED', async (world) => {
    const { user, key } = await banned(world);
    await world.post('/api-key/delete', { keyId: key.id }, { as: user });
  }),
  banning('a banned user creates a key', '200', async (world) => {
    const { user } = await banned(world);
    await world.post('/api-key/create', {}, { as: user });
  }),
  banning('a banned user lists keys', '200', async (world) => {
    const { user } = await banned(world);
    await world.get('/api-key/list', { as: user });
  }),
  banning('a key of a banned user verifies', 'valid', async (world) => {
    const { key } = await banned(world);
    await world.verify(key);
  }),
  banning('a key of a banned user stands for a session', '200', async (world) => {
    const { key } = await banned(world);
    await world.get('/get-session', { headers: { 'x-api-key': key.key } });
  }),
  banning('a banned user is signed in still', '200', async (world) => {
    const { user } = await banned(world);
    await world.get('/get-session', { as: user });
  }),
];
