import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);

/** The server creates a key for a user. */
function create(world, body) {
  return world.server('create', { userId: world.user().id, ...body });
}

export default [
  plain('a server creates a key for a user', '200', (world) => create(world, {})),
  plain('a server creates a key for a user whom nobody knows', '200', (world) =>
    world.server('create', { userId: world.newId('stranger') }),
  ),
  plain('a server must say for whom', '401 UNAUTHORIZED_SESSION', (world) => world.server('create', { name: 'first' })),
  plain('a server sets a quota', '200', (world) => create(world, { remaining: 10 })),
  plain('a server sets a quota of nothing', '200', (world) => create(world, { remaining: 0 })),
  plain('a server sets a refill', '200', (world) =>
    create(world, { remaining: 10, refillAmount: 10, refillInterval: 60_000 }),
  ),
  plain('a refill without a quota', '200', (world) => create(world, { refillAmount: 10, refillInterval: 60_000 })),
  plain('a refill amount without an interval is refused', '400 REFILL_AMOUNT_AND_INTERVAL_REQUIRED', (world) =>
    create(world, { refillAmount: 10 }),
  ),
  plain('a refill interval without an amount is refused', '400 REFILL_INTERVAL_AND_AMOUNT_REQUIRED', (world) =>
    create(world, { refillInterval: 60_000 }),
  ),
  plain('a quota under nothing is refused', '400 VALIDATION_ERROR', (world) => create(world, { remaining: -1 })),
  plain('a server sets the rate limit', '200', (world) =>
    create(world, { rateLimitEnabled: true, rateLimitMax: 5, rateLimitTimeWindow: 1000 }),
  ),
  plain('a server switches the rate limit off', '200', (world) => create(world, { rateLimitEnabled: false })),
  plain('a limit of nothing', '200', (world) => create(world, { rateLimitMax: 0 })),
  plain('a quota with a half', '200', (world) => create(world, { remaining: 1.5 })),
  plain('a server sets permissions', '200', (world) => create(world, { permissions: { files: ['read', 'write'] } })),
  plain('permissions may be empty', '200', async (world) => {
    await create(world, { permissions: {} });
    await create(world, { permissions: { files: [] } });
  }),
  plain('a server may set all members together', '200', (world) =>
    create(world, {
      name: 'all',
      prefix: 'all_',
      expiresIn: 7 * 86_400,
      metadata: { a: 1 },
      remaining: 5,
      refillAmount: 5,
      refillInterval: 1000,
      rateLimitEnabled: true,
      rateLimitMax: 5,
      rateLimitTimeWindow: 1000,
      permissions: { files: ['read'] },
    }),
  ),
  plain('permissions are written as a text', 'row', async (world) => {
    const { id } = await create(world, { permissions: { files: ['read'] }, remaining: 3 });
    world.row('apikey', id);
  }),
  plain('a server is held to the bounds of a life', '400 EXPIRES_IN_IS_TOO_SMALL', (world) =>
    create(world, { expiresIn: 60 }),
  ),
  scenario('limited', 'permissions that are given go before the default ones', '200', (world) =>
    create(world, { permissions: { users: ['list'] } }),
  ),
  scenario('strict', 'a server is held to names too', '400 NAME_REQUIRED', (world) => create(world, {})),
];
