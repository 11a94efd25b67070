// What counts as an address of a person, of a page, and of a site: many of each, one after the other.
import { scenario } from '../differential/scenario.mjs';
import { TRUSTED_ORIGIN } from '../settings.mjs';

const plain = (...rest) => scenario('plain', ...rest);

const PEOPLE = [
  'plain@example.com',
  "o'hara@example.com",
  'plus+sign@example.com',
  'under_score@example.com',
  'hy-phen@ex-ample.com',
  'UPPER@EXAMPLE.COM',
  'digits1@1example.com',
  'sub@mail.example.co.uk',
  'a@b.co',
  'space d@example.com',
  ' leading@example.com',
  'trailing@example.com ',
  '.dot@example.com',
  'dot.@example.com',
  'two..dots@example.com',
  'nodomain@',
  '@example.com',
  'two@at@example.com',
  'host@localhost',
  'host@example.c',
  'host@exa_mple.com',
  'host@-example.com',
  'host@example-.com',
  'host@.example.com',
  'host@example.com.',
  'host@example..com',
  'host@127.0.0.1',
  'ünicode@example.com',
  'host@ünicode.com',
  '"quoted"@example.com',
  'slash/ed@example.com',
  'percent%ed@example.com',
  'dollar$@example.com',
  'semi;colon@example.com',
  '',
];

const PAGES = [
  '/path',
  '/path?query=1&b=%20',
  '/path#part',
  '/a//b',
  '/',
  'path',
  '?query',
  '#part',
  '//elsewhere.example',
  '/\\elsewhere.example',
  '\\\\elsewhere.example',
  '/%2F%2Felsewhere.example',
  '/%5Celsewhere.example',
  '/a/../b',
  '/sp ace',
  '/ünicode',
  '/path?next=https://elsewhere.example',
  'javascript:alert(1)',
  'data:text/html,hello',
  'https:elsewhere.example',
  'https:/elsewhere.example',
  TRUSTED_ORIGIN,
  `${TRUSTED_ORIGIN}/path`,
  `${TRUSTED_ORIGIN}:443/path`,
  `${TRUSTED_ORIGIN}:8443/path`,
  `${TRUSTED_ORIGIN}@elsewhere.example`,
  `${TRUSTED_ORIGIN}.elsewhere.example`,
  TRUSTED_ORIGIN.toUpperCase(),
  'app.example.com/path',
  'https://elsewhere.example',
];

const SITES = [
  TRUSTED_ORIGIN,
  `${TRUSTED_ORIGIN}/`,
  `${TRUSTED_ORIGIN}/path`,
  `${TRUSTED_ORIGIN}:443`,
  `${TRUSTED_ORIGIN}:8443`,
  TRUSTED_ORIGIN.toUpperCase(),
  `${TRUSTED_ORIGIN}.`,
  'app.example.com',
  'https://example.com',
  'https://sub.app.example.com',
  'nothing',
  'file://',
  'null',
];

const FETCHES = [
  { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' },
  { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', origin: TRUSTED_ORIGIN },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'cross-site', origin: TRUSTED_ORIGIN },
  { 'sec-fetch-mode': 'navigate' },
  { 'sec-fetch-mode': 'navigate', origin: TRUSTED_ORIGIN },
  { 'sec-fetch-dest': 'document' },
  { 'sec-fetch-user': '?1' },
  { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', origin: TRUSTED_ORIGIN },
  { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', cookie: 'theme=dark', origin: TRUSTED_ORIGIN },
  { 'sec-fetch-site': 'same-origin', referer: `${TRUSTED_ORIGIN}/sign-in` },
];

const SIGN_IN = { email: 'nobody@example.com', password: 'x'.repeat(129) };

// The password is too long for a hash to be made of it, so that these are quick: whoever is let in is told that.
export default [
  plain('addresses of people', '400 INVALID_EMAIL', async (world) => {
    for (const email of PEOPLE) await world.post('/sign-in/email', { ...SIGN_IN, email });
  }),
  plain('addresses of pages to go to', '403 INVALID_CALLBACK_URL', async (world) => {
    for (const callbackURL of PAGES) await world.post('/sign-in/email', { ...SIGN_IN, callbackURL });
  }),
  plain('origins of a sign-in', '403 MISSING_OR_NULL_ORIGIN', async (world) => {
    for (const origin of SITES) await world.post('/sign-in/email', SIGN_IN, { headers: { origin } });
  }),
  plain('origins of a request with a cookie', '403 MISSING_OR_NULL_ORIGIN', async (world) => {
    const { cookie } = world.user();
    for (const origin of SITES) await world.post('/api-key/create', {}, { headers: { cookie, origin } });
  }),
  plain('referers of a request with a cookie', '403 MISSING_OR_NULL_ORIGIN', async (world) => {
    const { cookie } = world.user();
    for (const referer of SITES) await world.post('/api-key/create', {}, { headers: { cookie, referer } });
  }),
  plain('what a browser says of a sign-in', '400 PASSWORD_TOO_LONG', async (world) => {
    for (const headers of FETCHES) await world.post('/sign-in/email', SIGN_IN, { headers });
  }),
];
