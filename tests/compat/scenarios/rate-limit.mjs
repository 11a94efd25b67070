import { scenario } from '../differential/scenario.mjs';

const limited = (...rest) => scenario('limited', ...rest);
const MINUTE = 60_000;

/** A key of a user, made by the server. */
function key(world, body = {}) {
  return world.key({ userId: world.user().id, ...body });
}

export default [
  limited('the calls within the limit are valid', 'valid', async (world) => {
    const made = await key(world);
    await world.use(made, 2);
    await world.verify(made);
  }),
  limited('the call beyond the limit is refused', 'refused RATE_LIMITED', async (world) => {
    const made = await key(world);
    await world.use(made, 3);
    await world.verify(made);
  }),
  limited('after the window a key verifies again', 'valid', async (world) => {
    const made = await key(world);
    await world.use(made, 3);
    world.change('apikey', made.id, { lastRequest: world.at(-MINUTE - 1000) });
    await world.verify(made);
  }),
  limited('a limit of the own key goes before the configuration', 'refused RATE_LIMITED', async (world) => {
    const made = await key(world, { rateLimitMax: 1, rateLimitTimeWindow: 5 * MINUTE });
    await world.use(made);
    await world.verify(made);
  }),
  limited('a key without a limit is not limited', 'valid', async (world) => {
    const made = await key(world, { rateLimitEnabled: false });
    await world.use(made, 4);
    await world.verify(made);
  }),
  limited('a key whose row has no window is not limited', 'valid', async (world) => {
    const made = await key(world);
    world.change('apikey', made.id, { rateLimitTimeWindow: null });
    await world.use(made, 4);
    await world.verify(made);
  }),
  limited('a call that is refused for the limit costs', 'row', async (world) => {
    const made = await key(world, { remaining: 10 });
    await world.use(made, 5);
    world.row('apikey', made.id);
  }),
  scenario('strict', 'a switched off limit holds for every key', 'valid', async (world) => {
    const made = await key(world, {
      name: 'first',
      rateLimitEnabled: true,
      rateLimitMax: 1,
      rateLimitTimeWindow: MINUTE,
    });
    await world.use(made, 2);
    await world.verify(made);
  }),
];
