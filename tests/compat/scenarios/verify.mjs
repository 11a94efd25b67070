import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const MINUTE = 60_000;

/** A key of a user, made by the server. */
function key(world, body = {}) {
  return world.key({ userId: world.user().id, ...body });
}

export default [
  plain('a key verifies', 'valid', async (world) => {
    await world.verify(await key(world, { name: 'first', metadata: { plan: 'free' } }));
  }),
  plain('a verified key is written as a row', 'row', async (world) => {
    const made = await key(world, { remaining: 5 });
    await world.use(made);
    world.row('apikey', made.id);
  }),
  plain('a key that nobody made does not verify', 'refused INVALID_API_KEY', (world) =>
    world.verify({ key: 'nobody-made-this-key' }),
  ),
  plain('a key with one letter changed does not verify', 'refused INVALID_API_KEY', async (world) => {
    const { key: text } = await key(world);
    await world.verify({ key: `${text.slice(0, -1)}${text.endsWith('a') ? 'b' : 'a'}` });
  }),
  plain('the hash of a key does not verify', 'refused INVALID_API_KEY', async (world) => {
    const made = await key(world);
    await world.verify({ key: world.target.rows.find('apikey', 'id', made.id).key });
  }),
  plain('an empty key does not verify', 'refused INVALID_API_KEY', (world) => world.verify({ key: '' })),
  plain('a verification without a key is refused', '400 VALIDATION_ERROR', (world) => world.server('verify', {})),
  plain('a key whose owner nobody knows verifies', 'valid', async (world) => {
    await world.verify(await world.key({ userId: world.newId('stranger') }));
  }),
  plain('a malformed verification is refused', '400 VALIDATION_ERROR', (world) =>
    world.server('verify', { key: 5, configId: null, permissions: { files: 'read' } }),
  ),
  plain('a disabled key does not verify', 'refused KEY_DISABLED', async (world) => {
    const made = await key(world);
    world.change('apikey', made.id, { enabled: 0 });
    await world.verify(made);
  }),
  plain('a key whose row says nothing of being enabled verifies', 'valid', async (world) => {
    const made = await key(world);
    world.change('apikey', made.id, { enabled: null, rateLimitEnabled: null });
    await world.verify(made);
  }),
  plain('an expired key does not verify', 'refused KEY_EXPIRED', async (world) => {
    const made = await key(world, { expiresIn: 2 * 86_400 });
    world.change('apikey', made.id, { expiresAt: world.at(-MINUTE) });
    await world.verify(made);
  }),
  plain('an expired key is removed when it is used', 'no row', async (world) => {
    const made = await key(world);
    world.change('apikey', made.id, { expiresAt: world.at(-MINUTE) });
    await world.use(made);
    world.row('apikey', made.id);
  }),
  plain('a key that is disabled and expired is told to be disabled', 'refused KEY_DISABLED', async (world) => {
    const made = await key(world);
    world.change('apikey', made.id, { enabled: 0, expiresAt: world.at(-MINUTE) });
    await world.verify(made);
  }),
  plain('a key verifies a minute before it expires', 'valid', async (world) => {
    const made = await key(world);
    world.change('apikey', made.id, { expiresAt: world.at(MINUTE) });
    await world.verify(made);
  }),

  plain('a key does not verify under an unknown configuration', 'refused INVALID_API_KEY', async (world) => {
    await world.verify(await key(world), { configId: 'nobody' });
  }),
  scenario('unhashed', 'a key that is stored as it is verifies', 'valid', async (world) => {
    await world.verify(await key(world));
  }),
  scenario('unhashed', 'a key that is stored as it is stands in its row', 'row', async (world) => {
    const made = await key(world);
    world.row('apikey', made.id);
  }),
  scenario('unhashed', 'a key that nobody made does not verify there', 'refused INVALID_API_KEY', (world) =>
    world.verify({ key: 'nobody-made-this-key' }),
  ),
  plain('metadata that was stored twice as JSON is read', 'valid', async (world) => {
    const made = await key(world);
    world.change('apikey', made.id, { metadata: JSON.stringify(JSON.stringify({ plan: 'free' })) });
    await world.verify(made);
  }),
];
