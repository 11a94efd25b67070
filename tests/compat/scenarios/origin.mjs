import { scenario } from '../differential/scenario.mjs';
import { TRUSTED_ORIGIN } from '../settings.mjs';

const plain = (...rest) => scenario('plain', ...rest);
const STRANGER = 'https://elsewhere.example';
const SIGN_IN = { email: 'nobody@example.com', password: 'correct horse' };

/** Creates a key by a browser whose headers are these besides the cookie. */
function create(world, headers) {
  return world.post('/api-key/create', {}, { headers: { cookie: world.user().cookie, ...headers } });
}

function signIn(world, headers, more = {}) {
  return world.post('/sign-in/email', { ...SIGN_IN, ...more }, { headers });
}

export default [
  plain('a cookie with the own origin is trusted', '200', (world) => create(world, { origin: world.origin })),
  plain('a cookie with a trusted origin is trusted', '200', (world) => create(world, { origin: TRUSTED_ORIGIN })),
  plain('a cookie without an origin is refused', '403 MISSING_OR_NULL_ORIGIN', (world) => create(world, {})),
  plain('a cookie with the origin null is refused', '403 MISSING_OR_NULL_ORIGIN', (world) =>
    create(world, { origin: 'null' }),
  ),
  plain('a cookie with a foreign origin is refused', '403 INVALID_ORIGIN', (world) =>
    create(world, { origin: STRANGER }),
  ),
  plain('a cookie with the own origin at another port is refused', '403 INVALID_ORIGIN', (world) =>
    create(world, { origin: 'http://127.0.0.1:1' }),
  ),
  plain('a cookie with a trusted host under another scheme is refused', '403 INVALID_ORIGIN', (world) =>
    create(world, { origin: TRUSTED_ORIGIN.replace('https', 'http') }),
  ),
  plain('a cookie with a host that begins like a trusted one is refused', '403 INVALID_ORIGIN', (world) =>
    create(world, { origin: `${TRUSTED_ORIGIN}.elsewhere.example` }),
  ),
  plain('a cookie with a referer of the own origin is trusted', '200', (world) =>
    create(world, { referer: `${world.origin}/keys?page=2` }),
  ),
  plain('a cookie with a foreign referer is refused', '403 INVALID_ORIGIN', (world) =>
    create(world, { referer: `${STRANGER}/keys` }),
  ),
  plain('the origin goes before the referer', '403 INVALID_ORIGIN', (world) =>
    create(world, { origin: STRANGER, referer: `${world.origin}/keys` }),
  ),
  plain('any cookie asks for an origin', '403 MISSING_OR_NULL_ORIGIN', async (world) => {
    await world.post('/api-key/create', {}, { headers: { cookie: 'theme=dark' } });
  }),
  plain('without a cookie a foreign origin is no matter', '401 UNAUTHORIZED_SESSION', async (world) => {
    await world.post('/api-key/create', {}, { headers: { origin: STRANGER } });
  }),
  plain('a read asks for no origin', '200', async (world) => {
    await world.get('/api-key/list', { headers: { cookie: world.user().cookie, origin: STRANGER } });
  }),
  plain('the origin is looked at before the body', '403 INVALID_ORIGIN', async (world) => {
    const headers = { cookie: world.user().cookie, origin: STRANGER };
    await world.post('/api-key/create', { name: 1 }, { headers });
  }),
  plain('the media type is looked at before the origin', '415 UNSUPPORTED_MEDIA_TYPE', async (world) => {
    const headers = { cookie: world.user().cookie, origin: STRANGER, 'content-type': 'text/plain' };
    await world.ask('POST', '/api-key/create', { raw: '{}', headers });
  }),
  plain('sign-out asks for an origin', '403 INVALID_ORIGIN', async (world) => {
    await world.post('/sign-out', {}, { headers: { cookie: world.user().cookie, origin: STRANGER } });
  }),
  plain('sign-in without any sign of a browser is let in', '401 INVALID_EMAIL_OR_PASSWORD', (world) =>
    signIn(world, {}),
  ),
  plain('sign-in from the own origin is let in', '401 INVALID_EMAIL_OR_PASSWORD', (world) =>
    signIn(world, { origin: world.origin }),
  ),
  plain('sign-in from a foreign origin is refused without a cookie', '403 INVALID_ORIGIN', (world) =>
    signIn(world, { origin: STRANGER }),
  ),
  plain('sign-in from a foreign referer is refused', '403 INVALID_ORIGIN', (world) =>
    signIn(world, { referer: `${STRANGER}/` }),
  ),
  plain('sign-in with a cookie and without an origin is refused', '403 MISSING_OR_NULL_ORIGIN', (world) =>
    signIn(world, { cookie: 'theme=dark' }),
  ),
  plain('sign-in by a link from elsewhere is refused', '403 CROSS_SITE_NAVIGATION_LOGIN_BLOCKED', (world) =>
    signIn(world, { origin: STRANGER, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
  ),
  plain('sign-in by a script of a trusted origin elsewhere is let in', '401 INVALID_EMAIL_OR_PASSWORD', (world) =>
    signIn(world, { origin: TRUSTED_ORIGIN, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }),
  ),
  plain('sign-in by a browser without an origin is refused', '403 MISSING_OR_NULL_ORIGIN', (world) =>
    signIn(world, { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }),
  ),
  plain('sign-in by a browser from a foreign origin is refused', '403 INVALID_ORIGIN', (world) =>
    signIn(world, { origin: STRANGER, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }),
  ),
  plain('sign-in by a browser with the origin null is refused', '403 MISSING_OR_NULL_ORIGIN', (world) =>
    signIn(world, { origin: 'null', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }),
  ),
  plain('sign-in looks at the body before it looks at the browser', '400 VALIDATION_ERROR', (world) =>
    signIn(world, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, { password: 1 }),
  ),
  plain('sign-up by a link from elsewhere is refused', '403 CROSS_SITE_NAVIGATION_LOGIN_BLOCKED', async (world) => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    await world.post('/sign-up/email', { ...SIGN_IN, name: 'Grace' }, { headers });
  }),
  plain('a foreign callback is refused', '403 INVALID_CALLBACK_URL', (world) =>
    signIn(world, { origin: world.origin }, { callbackURL: `${STRANGER}/welcome` }),
  ),
  plain('a foreign callback is refused without an origin', '403 INVALID_CALLBACK_URL', (world) =>
    signIn(world, {}, { callbackURL: `${STRANGER}/welcome` }),
  ),
  plain('a callback that only looks like a path is refused', '403 INVALID_CALLBACK_URL', (world) =>
    signIn(world, {}, { callbackURL: '//elsewhere.example/welcome' }),
  ),
  plain('a callback that is no text is refused', '400', (world) => signIn(world, {}, { callbackURL: 5 })),
  plain('a foreign redirect is refused', '403 INVALID_REDIRECT_URL', (world) =>
    signIn(world, {}, { redirectTo: `${STRANGER}/` }),
  ),
  plain('a foreign error callback is refused', '403 INVALID_ERROR_CALLBACK_URL', (world) =>
    signIn(world, {}, { errorCallbackURL: `${STRANGER}/` }),
  ),
  plain('a foreign callback for new users is refused', '403 INVALID_NEW_USER_CALLBACK_URL', (world) =>
    signIn(world, {}, { newUserCallbackURL: `${STRANGER}/` }),
  ),
  plain('a foreign callback in the query is refused', '403 INVALID_CALLBACK_URL', async (world) => {
    await world.post(`/sign-in/email?callbackURL=${encodeURIComponent(STRANGER)}`, SIGN_IN);
  }),
];
