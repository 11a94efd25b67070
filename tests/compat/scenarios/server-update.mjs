import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);

/** The server changes a key. */
async function serverUpdate(world, body, made = {}) {
  const key = await world.key({ userId: world.user().id, name: 'before', ...made });
  await world.server('update', { keyId: key.id, userId: key.referenceId, ...body });
  return key;
}

export default [
  plain('a server changes a name', '200', (world) => serverUpdate(world, { name: 'after' })),
  plain('a server changes the quota', '200', (world) => serverUpdate(world, { remaining: 100 })),
  plain('a server changes the refill', '200', (world) =>
    serverUpdate(world, { refillAmount: 5, refillInterval: 1000 }),
  ),
  plain('a server changes no refill amount alone', '400 REFILL_AMOUNT_AND_INTERVAL_REQUIRED', (world) =>
    serverUpdate(world, { refillAmount: 5 }),
  ),
  plain('a server changes no refill interval alone', '400 REFILL_INTERVAL_AND_AMOUNT_REQUIRED', (world) =>
    serverUpdate(world, { refillInterval: 1000 }, { refillAmount: 5, refillInterval: 2000 }),
  ),
  plain('a server changes the rate limit', '200', (world) =>
    serverUpdate(world, { rateLimitEnabled: false, rateLimitMax: 7, rateLimitTimeWindow: 2000 }),
  ),
  plain('a server changes permissions', '200', (world) => serverUpdate(world, { permissions: { files: ['write'] } })),
  plain('a server makes permissions empty', '200', (world) => serverUpdate(world, { permissions: {} })),
  plain('a server may change all members together', '200', (world) =>
    serverUpdate(world, {
      name: 'all',
      enabled: false,
      expiresIn: 7 * 86_400,
      metadata: { a: 1 },
      remaining: 5,
      refillAmount: 5,
      refillInterval: 1000,
      rateLimitEnabled: false,
      rateLimitMax: 5,
      rateLimitTimeWindow: 1000,
      permissions: { files: ['read'] },
    }),
  ),
  plain('a server is held to the bounds of a life by update', '400 EXPIRES_IN_IS_TOO_SMALL', (world) =>
    serverUpdate(world, { expiresIn: 60 }),
  ),
  plain('a changed quota counts', 'valid', async (world) => {
    await world.verify(await serverUpdate(world, { remaining: 100 }));
  }),
  plain('a server clears permissions', '200', (world) =>
    serverUpdate(world, { permissions: null }, { permissions: { files: ['read'] } }),
  ),
  plain('cleared permissions are written as a row', 'row', async (world) => {
    const { id } = await serverUpdate(world, { permissions: null }, { permissions: { files: ['read'] } });
    world.row('apikey', id);
  }),
  plain('a server sets no quota of nothing by update', '400 VALIDATION_ERROR', (world) =>
    serverUpdate(world, { remaining: 0 }),
  ),
  plain('a server that changes nothing is refused', '400 NO_VALUES_TO_UPDATE', (world) => serverUpdate(world, {})),
  plain('a server that names the wrong owner finds no key', '404 KEY_NOT_FOUND', (world) =>
    serverUpdate(world, { userId: 'somebody', name: 'after' }),
  ),
];
