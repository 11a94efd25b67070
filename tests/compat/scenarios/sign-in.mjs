import { scenario } from '../differential/scenario.mjs';
import { TRUSTED_ORIGIN } from '../settings.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const PASSWORD = 'correct horse';
// Better Auth's hash of the password, made once, so that not every scenario has to make one.
const HASH =
  '000102030405060708090a0b0c0d0e0f:' +
  '9372e2d20f7c9ba55e54d10569dfe24824c5765383f46b040e9ac7b33041339c' +
  '514173900cb63a37c935c0e2f40cfe2cb39bee5fe58f54715c1fd913c4638373';

/** A user who has a password. */
function member(world, password = HASH) {
  const user = world.user();
  const now = world.at(0);
  world.target.rows.insert('account', {
    id: world.newId('account'),
    accountId: user.id,
    providerId: 'credential',
    userId: user.id,
    password,
    createdAt: now,
    updatedAt: now,
  });
  return user;
}

export default [
  plain('sign-in makes a session', '200', async (world) => {
    const { email } = member(world);
    await world.post('/sign-in/email', { email, password: PASSWORD });
  }),
  plain('sign-in writes the session as a row', 'row', async (world) => {
    const { email } = member(world);
    const { token } = await world.post('/sign-in/email', { email, password: PASSWORD });
    world.row('session', token, 'token');
  }),
  plain('sign-in takes the address in any case', '200', async (world) => {
    const { email } = member(world);
    await world.post('/sign-in/email', { email: email.toUpperCase(), password: PASSWORD });
  }),
  plain('sign-in with a wrong password is refused', '401 INVALID_EMAIL_OR_PASSWORD', async (world) => {
    const { email } = member(world);
    await world.post('/sign-in/email', { email, password: 'wrong horse' });
  }),
  plain('sign-in of nobody is refused', '401 INVALID_EMAIL_OR_PASSWORD', async (world) => {
    await world.post('/sign-in/email', { email: `${world.unique('nobody')}@example.com`, password: PASSWORD });
  }),
  plain('sign-in of a user without a password is refused', '401 INVALID_EMAIL_OR_PASSWORD', async (world) => {
    const { email } = world.user();
    await world.post('/sign-in/email', { email, password: PASSWORD });
  }),
  plain('sign-in with something else than an address is refused', '400 INVALID_EMAIL', async (world) => {
    await world.post('/sign-in/email', { email: 'ada', password: PASSWORD });
  }),
  plain('sign-in with a password beyond the longest is refused', '400 PASSWORD_TOO_LONG', async (world) => {
    const { email } = member(world);
    await world.post('/sign-in/email', { email, password: 'x'.repeat(129) });
  }),
  plain('sign-in tells everything that is wrong with its body', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-in/email', { email: 1, rememberMe: 'no' });
  }),
  plain('sign-in without a body is refused', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-in/email');
  }),
  plain('sign-in without remembering marks the browser', '200', async (world) => {
    const { email } = member(world);
    await world.post('/sign-in/email', { email, password: PASSWORD, rememberMe: false });
  }),
  plain('sign-in without remembering makes a session of a day', 'row', async (world) => {
    const { email } = member(world);
    const { token } = await world.post('/sign-in/email', { email, password: PASSWORD, rememberMe: false });
    world.row('session', token, 'token');
  }),
  plain('sign-in with a callback says where to go', '200', async (world) => {
    const { email } = member(world);
    await world.post('/sign-in/email', { email, password: PASSWORD, callbackURL: '/dashboard' });
  }),
  plain('sign-in with a callback of a trusted origin says where to go', '200', async (world) => {
    const { email } = member(world);
    const callbackURL = `${TRUSTED_ORIGIN}/dashboard`;
    await world.post('/sign-in/email', { email, password: PASSWORD, callbackURL });
  }),
  plain('sign-in with an empty callback goes nowhere', '200', async (world) => {
    const { email } = member(world);
    await world.post('/sign-in/email', { email, password: PASSWORD, callbackURL: '' });
  }),
  plain('sign-in takes a form', '200', async (world) => {
    const { email } = member(world);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await world.ask('POST', '/sign-in/email', {
      raw: String(new URLSearchParams({ email, password: PASSWORD })),
      headers,
    });
  }),
  plain('sign-in with a session makes another one', '200', async (world) => {
    const user = member(world);
    await world.post('/sign-in/email', { email: user.email, password: PASSWORD }, { as: user });
  }),
  plain('sign-in compares passwords as Unicode normalises them', '200', async (world) => {
    const email = `${world.unique('grace')}@example.com`;
    await world.post('/sign-up/email', { name: 'Grace', email, password: 'caf\u00e9 caf\u00e9' });
    await world.post('/sign-in/email', { email, password: 'cafe\u0301 cafe\u0301' });
  }),
  scenario('banning', 'a banned user does not sign in', '403 BANNED_USER', async (world) => {
    const user = member(world);
    world.change('user', user.id, { banned: 1 });
    await world.post('/sign-in/email', { email: user.email, password: PASSWORD });
  }),
  scenario('banning', 'a user whose ban is over signs in', '200', async (world) => {
    const user = member(world);
    world.change('user', user.id, { banned: 1, banExpires: world.at(-60_000) });
    await world.post('/sign-in/email', { email: user.email, password: PASSWORD });
  }),
  scenario('secure', 'behind https, the cookies of sign-in are for secure connections', '200', async (world) => {
    const { email } = member(world);
    await world.post('/sign-in/email', { email, password: PASSWORD, rememberMe: false });
  }),
];
