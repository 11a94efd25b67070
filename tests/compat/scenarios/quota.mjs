import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A key of a user, made by the server. */
function key(world, body = {}) {
  return world.key({ userId: world.user().id, ...body });
}

export default [
  plain('remaining goes down by one', 'valid', async (world) => {
    const made = await key(world, { remaining: 10 });
    await world.verify(made);
    await world.verify(made);
  }),
  plain('the last use is still valid', 'valid', async (world) => {
    await world.verify(await key(world, { remaining: 1 }));
  }),
  plain('a key with none left does not verify', 'refused USAGE_EXCEEDED', async (world) => {
    const made = await key(world, { remaining: 1 });
    await world.use(made);
    await world.verify(made);
  }),
  plain('a key with none left is removed when it is used', 'no row', async (world) => {
    const made = await key(world, { remaining: 1 });
    await world.use(made, 2);
    world.row('apikey', made.id);
  }),
  plain('a key without a quota stays without one', 'valid', async (world) => {
    const made = await key(world);
    await world.use(made, 3);
    await world.verify(made);
  }),
  plain('a refill that is not due does not fill', 'refused USAGE_EXCEEDED', async (world) => {
    const made = await key(world, { remaining: 1, refillAmount: 5, refillInterval: HOUR });
    await world.use(made);
    await world.verify(made);
  }),
  plain('a refill that is due fills', 'valid', async (world) => {
    const made = await key(world, { remaining: 1, refillAmount: 5, refillInterval: HOUR });
    await world.use(made);
    world.change('apikey', made.id, { createdAt: world.at(-2 * HOUR) });
    await world.verify(made);
  }),
  plain('a refill replaces what is left, and does not add up', 'valid', async (world) => {
    const made = await key(world, { remaining: 3, refillAmount: 5, refillInterval: HOUR });
    world.change('apikey', made.id, { createdAt: world.at(-9 * HOUR) });
    await world.verify(made);
  }),
  plain('the next refill counts from the last one', 'refused USAGE_EXCEEDED', async (world) => {
    const made = await key(world, { remaining: 1, refillAmount: 5, refillInterval: HOUR });
    world.change('apikey', made.id, { createdAt: world.at(-9 * HOUR), lastRefillAt: world.at(-MINUTE), remaining: 0 });
    await world.verify(made);
  }),
];
