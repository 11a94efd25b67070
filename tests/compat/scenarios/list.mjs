import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);

// Members in which the keys below differ; the order of equal ones is nobody's promise.
const SORTABLE = ['name', 'remaining', 'createdAt', 'lastRequest', 'requestCount'];

/** A user with three keys, whose names are not in the order of their making. */
async function collector(world) {
  const user = world.user();
  const names = ['bravo', 'alpha', 'charlie'];
  for (const [index, name] of names.entries()) {
    const { id } = await world.key({ userId: user.id, name, remaining: 10 - index, metadata: { index } });
    // Made an hour apart, so that an order by time is one.
    const createdAt = world.at((index - 9) * 3_600_000);
    const used = index === 1 ? {} : { lastRequest: createdAt, requestCount: 5 + index };
    world.change('apikey', id, {
      createdAt,
      ...used,
      expiresAt: index === 2 ? null : world.at((5 - index) * 3_600_000),
    });
  }
  return user;
}

/** Lists the three keys by a query. */
async function list(world, query) {
  await world.get(`/api-key/list${query}`, { as: await collector(world) });
}

export default [
  plain('a user lists keys', '200', (world) => list(world, '')),
  plain('a user without keys lists none', '200', (world) => world.get('/api-key/list', { as: world.user() })),
  plain("a user does not list another's keys", '200', async (world) => {
    await world.key({ userId: world.user().id });
    await world.get('/api-key/list', { as: world.user() });
  }),
  plain('nobody lists keys', '401 UNAUTHORIZED', (world) => world.get('/api-key/list')),
  plain('a sort that is given twice is no text', '400 VALIDATION_ERROR', (world) =>
    list(world, '?sortBy=name&sortBy=createdAt'),
  ),
  plain('a limit is told, and cuts', '200', (world) => list(world, '?limit=2&sortBy=createdAt')),
  plain('an offset is told, and skips', '200', (world) => list(world, '?offset=1&sortBy=createdAt')),
  plain('a limit and an offset make a page', '200', (world) => list(world, '?limit=1&offset=1&sortBy=createdAt')),
  plain('a page beyond the end is empty', '200', (world) => list(world, '?limit=2&offset=9')),
  plain('a limit of nothing is an empty page', '200', (world) => list(world, '?limit=0')),
  plain('an empty limit is one of nothing', '200', (world) => list(world, '?limit=')),
  plain('keys are sorted by name', '200', (world) => list(world, '?sortBy=name')),
  plain('keys are sorted by name, downwards', '200', (world) => list(world, '?sortBy=name&sortDirection=desc')),
  plain('keys are sorted by their making, downwards', '200', (world) =>
    list(world, '?sortBy=createdAt&sortDirection=desc'),
  ),
  plain('keys are sorted by what remains', '200', (world) => list(world, '?sortBy=remaining&sortDirection=asc')),
  plain('keys are sorted by every member, both ways', '200', async (world) => {
    const user = await collector(world);
    for (const member of SORTABLE) {
      await world.get(`/api-key/list?sortBy=${member}`, { as: user });
      await world.get(`/api-key/list?sortBy=${member}&sortDirection=desc`, { as: user });
    }
  }),
  plain('keys are sorted by their expiry, downwards', '200', (world) =>
    list(world, '?sortBy=expiresAt&sortDirection=desc'),
  ),
  plain('a list takes what every endpoint takes', '200', (world) =>
    list(world, '?disableRefresh=true&disableCookieCache=true&sortBy=createdAt'),
  ),
  plain('a sorted page is a page of what is sorted', '200', (world) =>
    list(world, '?sortBy=name&sortDirection=desc&limit=1&offset=1'),
  ),
  plain('a direction that is none is refused', '400 VALIDATION_ERROR', (world) => list(world, '?sortDirection=up')),
  plain('a limit under nothing is refused', '400 VALIDATION_ERROR', (world) => list(world, '?limit=-1')),
  plain('a limit that is no number is refused', '400 VALIDATION_ERROR', (world) => list(world, '?limit=many')),
  plain('a limit of a half is refused', '400 VALIDATION_ERROR', (world) => list(world, '?limit=1.5&offset=-2')),
  plain('numbers in a query are read as JavaScript reads them', '400 VALIDATION_ERROR', async (world) => {
    const user = await collector(world);
    const limits = ['2.0', '1e0', '0x2', '%202', '+2', '-0', 'Infinity', '9007199254740993', '1&limit=2', 'two'];
    for (const limit of limits) await world.get(`/api-key/list?limit=${limit}&sortBy=createdAt`, { as: user });
  }),
  plain('a direction in capitals is refused', '400 VALIDATION_ERROR', (world) => list(world, '?sortDirection=DESC')),
  plain('an unknown member to sort by is a failure', '500', (world) => list(world, '?sortBy=colour')),
  plain('a list counts keys beyond the hundredth', '200', async (world) => {
    const user = world.user();
    for (let count = 0; count < 102; count += 1) await world.key({ userId: user.id, name: 'many' });
    await world.get('/api-key/list?limit=1', { as: user });
  }),
  plain('an unknown configuration has no keys', '200', (world) => list(world, '?configId=nobody')),
  plain('the default configuration has the keys', '200', (world) => list(world, '?configId=default&sortBy=createdAt')),
  plain('an empty organization has no keys', '200', (world) => list(world, '?organizationId=')),
  plain('metadata that was stored twice as JSON is listed as an object', '200', async (world) => {
    const user = world.user();
    const { id } = await world.key({ userId: user.id });
    world.change('apikey', id, { metadata: JSON.stringify(JSON.stringify({ plan: 'free' })) });
    await world.get('/api-key/list', { as: user });
  }),
];
