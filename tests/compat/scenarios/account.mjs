import { scenario } from '../differential/scenario.mjs';
import { SESSION_COOKIE } from '../differential/world.mjs';
import { DAY_IN_MS } from '../settings.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const currentPassword = 'correct horse';
const newPassword = 'battery staple';
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

/** Another session of a user, as a row, which began after the first one. */
function another(world, user, session = {}) {
  const row = {
    id: world.newId('session'),
    token: world.newId('token'),
    userId: user.id,
    expiresAt: world.at(7 * DAY_IN_MS),
    createdAt: world.at(-60_000),
    updatedAt: world.at(-60_000),
    ipAddress: '',
    userAgent: '',
    ...session,
  };
  world.target.rows.insert('session', row);
  return row;
}

/** A session that began so long ago. */
function aged(world, distance) {
  return { createdAt: world.at(-distance), updatedAt: world.at(-distance) };
}

export default [
  plain('change-password keeps the sessions', 'row', async (world) => {
    const user = member(world);
    const other = another(world, user);
    await world.post('/change-password', { newPassword, currentPassword }, { as: user });
    await world.post('/sign-in/email', { email: user.email, password: newPassword });
    await world.post('/sign-in/email', { email: user.email, password: currentPassword });
    world.row('session', user.sessionId);
    world.row('session', other.id);
  }),
  plain('change-password that ends the other sessions begins a new one', '200 null', async (world) => {
    const user = member(world);
    const other = another(world, user);
    const body = { newPassword, currentPassword, revokeOtherSessions: true };
    await world.post('/change-password', body, { as: user });
    world.row('session', user.sessionId);
    world.row('session', other.id);
    await world.get('/get-session', { as: user });
  }),
  plain('change-password with a wrong password is refused', '200', async (world) => {
    const user = member(world);
    const body = { newPassword, currentPassword: 'wrong horse', revokeOtherSessions: true };
    await world.post('/change-password', body, { as: user });
    world.row('session', user.sessionId);
    await world.post('/sign-in/email', { email: user.email, password: currentPassword });
  }),
  plain('change-password of a user without one is refused', '400 CREDENTIAL_ACCOUNT_NOT_FOUND', async (world) => {
    await world.post('/change-password', { newPassword, currentPassword }, { as: world.user() });
  }),
  plain('change-password to a short one is refused', '400 PASSWORD_TOO_SHORT', async (world) => {
    await world.post('/change-password', { newPassword: 'short', currentPassword: 'x' }, { as: member(world) });
  }),
  plain('change-password to a long one is refused', '400 PASSWORD_TOO_LONG', async (world) => {
    const body = { newPassword: 'x'.repeat(129), currentPassword };
    await world.post('/change-password', body, { as: member(world) });
  }),
  plain('change-password from a long one is refused', '400 PASSWORD_TOO_LONG', async (world) => {
    const body = { newPassword, currentPassword: 'x'.repeat(129) };
    await world.post('/change-password', body, { as: member(world) });
  }),
  plain('change-password without a session is refused', '401 UNAUTHORIZED', async (world) => {
    await world.post('/change-password', { newPassword, currentPassword });
  }),
  plain('change-password tells everything that is wrong with its body', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/change-password', { newPassword: 1, revokeOtherSessions: 'yes' }, { as: member(world) });
  }),
  plain('change-password reads its body before it looks for a session', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/change-password', {});
  }),
  plain('change-password from another site is refused', '403 INVALID_ORIGIN', async (world) => {
    const headers = { origin: 'https://evil.example' };
    await world.post('/change-password', { newPassword, currentPassword }, { as: member(world), headers });
  }),
  plain('change-password of an old session is allowed', '200', async (world) => {
    const user = member(world);
    world.change('session', user.sessionId, aged(world, 2 * DAY_IN_MS));
    await world.post('/change-password', { newPassword, currentPassword }, { as: user });
  }),
  plain('list-sessions lists them', '200', async (world) => {
    const user = world.user();
    another(world, user);
    await world.get('/list-sessions', { as: user });
  }),
  plain('list-sessions leaves out what has expired and what is of others', '200', async (world) => {
    const user = world.user();
    another(world, user, { expiresAt: world.at(-1000) });
    world.user();
    await world.get('/list-sessions', { as: user });
  }),
  plain('list-sessions without a session is refused', '401 UNAUTHORIZED', async (world) => {
    await world.get('/list-sessions');
  }),
  plain('list-sessions of a session that is gone clears the cookies', '401 UNAUTHORIZED', async (world) => {
    await world.get('/list-sessions', { headers: { cookie: world.cookie('gone'.padEnd(32, '0')) } });
  }),
  plain('list-sessions of a session of a day is refused', '403 SESSION_NOT_FRESH', async (world) => {
    await world.get('/list-sessions', { as: world.user(aged(world, DAY_IN_MS + 1000)) });
  }),
  plain('list-sessions of a session of nearly a day is allowed', '200', async (world) => {
    await world.get('/list-sessions', { as: world.user(aged(world, DAY_IN_MS - 60_000)) });
  }),
  plain('revoke-session ends another session', 'row', async (world) => {
    const user = world.user();
    const other = another(world, user);
    await world.post('/revoke-session', { token: other.token }, { as: user });
    world.row('session', other.id);
    world.row('session', user.sessionId);
  }),
  plain('revoke-session ends its own session', '200 null', async (world) => {
    const user = world.user();
    await world.post('/revoke-session', { token: user.token }, { as: user });
    await world.get('/get-session', { as: user });
  }),
  plain('revoke-session leaves those of others', 'row', async (world) => {
    const other = world.user();
    await world.post('/revoke-session', { token: other.token }, { as: world.user() });
    world.row('session', other.sessionId);
  }),
  plain('revoke-session of nothing succeeds', '200', async (world) => {
    await world.post('/revoke-session', { token: 'gone' }, { as: world.user() });
  }),
  plain('revoke-session without a token is refused', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/revoke-session', {}, { as: world.user() });
  }),
  plain('revoke-session without a session is refused', '401 UNAUTHORIZED', async (world) => {
    await world.post('/revoke-session', { token: 'gone' });
  }),
  plain('revoke-sessions ends all', 'row', async (world) => {
    const user = world.user();
    const other = another(world, user);
    const stranger = world.user();
    await world.post('/revoke-sessions', {}, { as: user });
    for (const id of [user.sessionId, other.id, stranger.sessionId]) world.row('session', id);
  }),
  plain('revoke-sessions needs no body', '200', async (world) => {
    await world.post('/revoke-sessions', undefined, { as: world.user() });
  }),
  plain('revoke-sessions without a session is refused', '401 UNAUTHORIZED', async (world) => {
    await world.post('/revoke-sessions', {});
  }),
  plain('revoke-other-sessions keeps its own', 'row', async (world) => {
    const user = world.user();
    const other = another(world, user);
    const stranger = world.user();
    await world.post('/revoke-other-sessions', {}, { as: user });
    for (const id of [user.sessionId, other.id, stranger.sessionId]) world.row('session', id);
  }),
  plain('revoke-other-sessions without a session is refused', '401 UNAUTHORIZED', async (world) => {
    await world.post('/revoke-other-sessions', {});
  }),
  plain('revoke-other-sessions of an old session is allowed', '200', async (world) => {
    await world.post('/revoke-other-sessions', {}, { as: world.user(aged(world, 2 * DAY_IN_MS)) });
  }),
  plain('update-user changes the name', 'row', async (world) => {
    const user = world.user();
    await world.post('/update-user', { name: 'Ada L.' }, { as: user });
    world.row('user', user.id);
  }),
  plain('update-user changes the picture, and null removes it', 'row', async (world) => {
    const user = world.user();
    await world.post('/update-user', { image: 'https://a.example/ada.png' }, { as: user });
    world.row('user', user.id);
    await world.post('/update-user', { image: null }, { as: user });
    world.row('user', user.id);
  }),
  plain('update-user sets the cookie as the browser keeps it', '200', async (world) => {
    const { cookie } = world.user();
    const forget = world.cookie('true').replace(SESSION_COOKIE, 'better-auth.dont_remember');
    const headers = { cookie: `${cookie}; ${forget}`, origin: world.origin };
    await world.post('/update-user', { name: 'Ada L.' }, { headers });
  }),
  plain('update-user of an address is refused', '400 EMAIL_CAN_NOT_BE_UPDATED', async (world) => {
    await world.post('/update-user', { email: 'eve@example.com', name: 'Eve' }, { as: world.user() });
  }),
  plain('update-user of nothing is refused', '400', async (world) => {
    await world.post('/update-user', {}, { as: world.user() });
  }),
  plain('update-user of what is unknown is refused', '400', async (world) => {
    await world.post('/update-user', { age: 36 }, { as: world.user() });
  }),
  plain('update-user without a session is refused', '401 UNAUTHORIZED', async (world) => {
    await world.post('/update-user', { name: 'Ada L.' });
  }),
  plain('update-user without a body is refused', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/update-user', undefined, { as: world.user() });
  }),
];
