import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const strict = (...rest) => scenario('strict', ...rest);
const limited = (...rest) => scenario('limited', ...rest);

const DAY = 86_400;

/** A user creates a key. */
function create(world, body = {}) {
  return world.post('/api-key/create', body, { as: world.user() });
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
  plain('a user creates a key', '200', (world) => create(world)),
  plain('a created key is written as a row', 'row', async (world) => {
    const { id } = await create(world, { name: 'first', metadata: { plan: 'free' }, expiresIn: 2 * DAY });
    world.row('apikey', id);
  }),
  plain('a created key without anything is written as a row', 'row', async (world) => {
    const { id } = await create(world);
    world.row('apikey', id);
  }),
  plain('a created key verifies', 'valid', async (world) => {
    await world.verify(await create(world));
  }),
  plain('nobody creates a key', '401 UNAUTHORIZED_SESSION', (world) => world.post('/api-key/create', {})),
  plain('a user with a dead session creates no key', '401 UNAUTHORIZED_SESSION', async (world) => {
    await world.post('/api-key/create', {}, { as: world.user({ expiresAt: world.at(-60_000) }) });
  }),
  plain('a user may not name a user, not even themselves', '401 UNAUTHORIZED_SESSION', async (world) => {
    const user = world.user();
    await world.post('/api-key/create', { userId: user.id }, { as: user });
  }),
  plain('nobody may name a user', '401 UNAUTHORIZED_SESSION', async (world) => {
    await world.post('/api-key/create', { userId: world.user().id });
  }),
  plain('a key may have a name', '200', (world) => create(world, { name: 'a key of mine' })),
  plain('a key may have an empty name where none is asked for', '200', (world) => create(world, { name: '' })),
  plain('a name is counted in UTF-16 units', '400 INVALID_NAME_LENGTH', (world) =>
    create(world, { name: '🔑'.repeat(17) }),
  ),
  plain('a name that is null is refused', '400 VALIDATION_ERROR', (world) => create(world, { name: null })),
  plain('a key may have a prefix', '200', (world) => create(world, { prefix: 'my_app-' })),
  plain('a prefix of signs is refused', '400 VALIDATION_ERROR', (world) => create(world, { prefix: 'my app!' })),
  plain('an empty prefix is refused', '400 VALIDATION_ERROR', (world) => create(world, { prefix: '' })),
  plain('a prefix beyond the default longest is refused', '400 INVALID_PREFIX_LENGTH', (world) =>
    create(world, { prefix: 'x'.repeat(33) }),
  ),
  plain('a key may live for a week', '200', (world) => create(world, { expiresIn: 7 * DAY })),
  plain('a key may live for ever', '200', (world) => create(world, { expiresIn: null })),
  plain('a life may have a fraction of a second', '200', (world) => create(world, { expiresIn: 90_000.5 })),
  plain('an organization that is null is no matter', '200', (world) => create(world, { organizationId: null })),
  plain('an organization that is a number is no matter', '200', (world) => create(world, { organizationId: 5 })),
  plain('a configuration that is null is refused', '400 VALIDATION_ERROR', (world) =>
    create(world, { configId: null }),
  ),
  plain('a name may have spaces around it', '200', (world) => create(world, { name: ' spaced ' })),
  plain('a life of less than a day is refused', '400 EXPIRES_IN_IS_TOO_SMALL', (world) =>
    create(world, { expiresIn: DAY - 1 }),
  ),
  plain('a life of more than a year is refused', '400 EXPIRES_IN_IS_TOO_LARGE', (world) =>
    create(world, { expiresIn: 365 * DAY + 1 }),
  ),
  plain('a life of nothing is refused', '400 VALIDATION_ERROR', (world) => create(world, { expiresIn: 0 })),
  plain('a life that is a text is refused', '400 VALIDATION_ERROR', (world) => create(world, { expiresIn: '7d' })),
  plain('a key may have metadata', '200', (world) =>
    create(world, { metadata: { plan: 'free', seats: [1, { a: null }] } }),
  ),
  plain('metadata may be a list', '200', (world) => create(world, { metadata: ['a', 1] })),
  plain('metadata may be null', '200', (world) => create(world, { metadata: null })),
  plain('metadata that is a text is refused', '400 INVALID_METADATA_TYPE', (world) =>
    create(world, { metadata: 'free' }),
  ),
  plain('metadata that is a number is refused', '400 INVALID_METADATA_TYPE', (world) => create(world, { metadata: 7 })),
  plain('metadata that is true is refused', '400 INVALID_METADATA_TYPE', (world) => create(world, { metadata: true })),
  plain('metadata that is an empty text is passed over', '200', (world) => create(world, { metadata: '' })),
  ...Object.entries(SERVER_ONLY).map(([member, value]) =>
    plain(`a user may not set ${member}`, '400 SERVER_ONLY_PROPERTY', (world) => create(world, { [member]: value })),
  ),
  plain('a user may not set all rate-limit members together', '400 SERVER_ONLY_PROPERTY', (world) =>
    create(world, { rateLimitEnabled: true, rateLimitMax: 5, rateLimitTimeWindow: 1000 }),
  ),
  plain('a remaining that is null is nothing', '200', (world) => create(world, { remaining: null })),
  plain('server-only members are refused before the session is looked at', '400 SERVER_ONLY_PROPERTY', (world) =>
    world.post('/api-key/create', { rateLimitMax: 5 }),
  ),
  plain('server-only members are refused before the user is', '400 SERVER_ONLY_PROPERTY', (world) =>
    create(world, { rateLimitMax: 5, userId: 'somebody' }),
  ),
  plain('all that is malformed is told', '400 VALIDATION_ERROR', (world) =>
    create(world, {
      configId: 1,
      name: 2,
      expiresIn: 'x',
      prefix: 3,
      remaining: -1,
      refillAmount: 0,
      refillInterval: 'x',
      rateLimitTimeWindow: null,
      rateLimitMax: [],
      rateLimitEnabled: 'yes',
      permissions: 'read',
    }),
  ),
  plain('permissions that are no lists of text are told', '400 VALIDATION_ERROR', (world) =>
    create(world, { permissions: { files: 'read', users: [1] } }),
  ),
  plain('unknown members are dropped', '200', (world) => create(world, { enabled: false, id: 'mine', key: 'mine' })),
  plain('an unknown configuration is the default one', '200', (world) => create(world, { configId: 'nobody' })),
  plain('an organization is no matter to a configuration of users', '200', (world) =>
    create(world, { organizationId: 'somebody' }),
  ),

  strict('a name is asked for', '400 NAME_REQUIRED', (world) => create(world)),
  strict('an empty name is none', '400 NAME_REQUIRED', (world) => create(world, { name: '' })),
  strict('a key with a name has no start where none is stored, and the default life', '200', (world) =>
    create(world, { name: 'first' }),
  ),
  strict('metadata is refused where it is off', '400 METADATA_DISABLED', (world) =>
    create(world, { name: 'first', metadata: { a: 1 } }),
  ),
  strict('metadata of a wrong type is refused for being off', '400 METADATA_DISABLED', (world) =>
    create(world, { name: 'first', metadata: 'text' }),
  ),
  strict('metadata that is null is no matter where it is off', '200', (world) =>
    create(world, { name: 'first', metadata: null }),
  ),
  strict('a life of the own choice is refused where that is off', '400 KEY_DISABLED_EXPIRATION', (world) =>
    create(world, { name: 'first', expiresIn: 7 * DAY }),
  ),
  strict('metadata is looked at before the life, the life before the name', '400 METADATA_DISABLED', (world) =>
    create(world, { metadata: { a: 1 }, expiresIn: 7 * DAY }),
  ),

  limited('a key has the default prefix, permissions and limits', '200', (world) => create(world, { name: 'first' })),
  limited('a prefix that is given goes before the default', '200', (world) => create(world, { prefix: 'own_' })),
  limited('a prefix that is too short is refused', '400 INVALID_PREFIX_LENGTH', (world) =>
    create(world, { prefix: 'ab' }),
  ),
  limited('a prefix that is too long is refused', '400 INVALID_PREFIX_LENGTH', (world) =>
    create(world, { prefix: 'abcdefghi' }),
  ),
  limited('a name that is too short is refused', '400 INVALID_NAME_LENGTH', (world) => create(world, { name: 'ab' })),
  limited('a name that is too long is refused', '400 INVALID_NAME_LENGTH', (world) =>
    create(world, { name: 'abcdefghijk' }),
  ),
  limited('a life at the lower bound is fine', '200', (world) => create(world, { expiresIn: 2 * DAY })),
  limited('a life under the lower bound is refused', '400 EXPIRES_IN_IS_TOO_SMALL', (world) =>
    create(world, { expiresIn: DAY }),
  ),
  limited('a life at the upper bound is fine', '200', (world) => create(world, { expiresIn: 10 * DAY })),
  limited('a life over the upper bound is refused', '400 EXPIRES_IN_IS_TOO_LARGE', (world) =>
    create(world, { expiresIn: 11 * DAY }),
  ),
  limited('the life is looked at before the prefix, the prefix before the name', '400 INVALID_PREFIX_LENGTH', (world) =>
    create(world, { prefix: 'a', name: 'a' }),
  ),
];
