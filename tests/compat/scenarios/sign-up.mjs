import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const PASSWORD = 'correct horse';

function person(world, more = {}) {
  return { name: 'Grace', email: `${world.unique('grace')}@example.com`, password: PASSWORD, ...more };
}

export default [
  plain('sign-up makes a user and a session', '200', async (world) => {
    await world.post('/sign-up/email', person(world));
  }),
  plain('sign-up writes the user as a row', 'row', async (world) => {
    const { user } = await world.post('/sign-up/email', person(world));
    world.row('user', user.id);
  }),
  plain('sign-up writes the session as a row', 'row', async (world) => {
    const { token } = await world.post('/sign-up/email', person(world), { headers: { 'user-agent': 'tests' } });
    world.row('session', token, 'token');
  }),
  plain('sign-up puts the address into lower case', '200', async (world) => {
    await world.post('/sign-up/email', person(world, { email: `${world.unique('GRACE')}@Example.COM` }));
  }),
  plain('sign-up with an image keeps it', '200', async (world) => {
    await world.post('/sign-up/email', person(world, { image: 'https://example.com/grace.png' }));
  }),
  plain('sign-up without remembering sets a cookie for the browser session', '200', async (world) => {
    await world.post('/sign-up/email', person(world, { rememberMe: false }));
  }),
  plain('sign-up drops members that it does not know', '200', async (world) => {
    await world.post('/sign-up/email', person(world, { emailVerified: true, role: 'admin' }));
  }),
  plain(
    'sign-up with an address that is taken is refused',
    '422 USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL',
    async (world) => {
      const { email } = world.user();
      await world.post('/sign-up/email', person(world, { email: email.toUpperCase() }));
    },
  ),
  plain('sign-up with a short password is refused', '400 PASSWORD_TOO_SHORT', async (world) => {
    await world.post('/sign-up/email', person(world, { password: '1234567' }));
  }),
  plain('sign-up with a long password is refused', '400 PASSWORD_TOO_LONG', async (world) => {
    await world.post('/sign-up/email', person(world, { password: 'x'.repeat(129) }));
  }),
  plain('sign-up looks at the password before it looks for the address', '400 PASSWORD_TOO_SHORT', async (world) => {
    const { email } = world.user();
    await world.post('/sign-up/email', person(world, { email, password: '1234567' }));
  }),
  plain('sign-up without a password is refused', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-up/email', person(world, { password: undefined }));
  }),
  plain('sign-up with an empty password is refused', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-up/email', person(world, { password: '' }));
  }),
  plain('sign-up without a name is refused', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-up/email', person(world, { name: undefined }));
  }),
  plain('sign-up with an empty name is taken', '200', async (world) => {
    await world.post('/sign-up/email', person(world, { name: '' }));
  }),
  plain('sign-up with something else than an address is refused', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-up/email', person(world, { email: 'grace' }));
  }),
  plain('sign-up tells everything that is wrong with its body', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-up/email', { name: 1, email: null, password: 3, image: 2, rememberMe: 'yes' });
  }),
  plain('a password is counted in UTF-16 units', '200', async (world) => {
    await world.post('/sign-up/email', person(world, { password: '🔑🔑🔑' }));
    await world.post('/sign-up/email', person(world, { password: '🔑🔑🔑🔑' }));
  }),
  plain('sign-up with a callback', '200', async (world) => {
    await world.post('/sign-up/email', person(world, { callbackURL: '/welcome' }));
  }),
  plain('sign-up with a foreign callback is refused', '403 INVALID_CALLBACK_URL', async (world) => {
    await world.post('/sign-up/email', person(world, { callbackURL: 'https://elsewhere.example' }));
  }),
  plain('sign-up with a list in place of a password is refused', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-up/email', person(world, { password: [] }));
  }),
  plain('sign-up without a body is refused', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-up/email');
  }),
  plain('sign-up takes a form', '200', async (world) => {
    const form = new URLSearchParams(person(world)).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await world.ask('POST', '/sign-up/email', { raw: form, headers });
  }),
  scenario(
    'strict',
    'sign-up that is switched off is refused',
    '400 EMAIL_PASSWORD_SIGN_UP_DISABLED',
    async (world) => {
      await world.post('/sign-up/email', person(world));
    },
  ),
  scenario('strict', 'sign-up that is switched off still wants a whole body', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/sign-up/email', { email: 'grace@example.com' });
  }),
  scenario('secure', 'behind https, the cookie of sign-up is for secure connections', '200', async (world) => {
    await world.post('/sign-up/email', person(world));
  }),
];
