// The table of pages: a new page is one line. Every link of a visited page must lead to a page of this table.
//
// `path` may have an id of the world, as in `{used}`; `as` names who sees it; `status` is 200 unless it says otherwise;
// `open` comes to a page that has no address of its own. `at: 'bare'` is on the server that has next to nothing, and whose
// table of keys is gone. A page that has `instants` must show one. What the server answers is `changed` as a planted fault is.

import { RETURN_URL, portalLink } from './world/people.mjs';

/** The page that is sent on at once stays. */
const STILL = { html: (html) => html.replace(' data-auto', '') };

export const PAGES = [
  { name: 'sign in', path: '/console/sign-in', as: ['nobody'] },
  { name: 'signed out', path: '/console/sign-in?did=signed-out', as: ['nobody'] },
  { name: 'sign in, refused', path: '/console/sign-in', as: ['nobody'], status: 401, open: signInWrongly },
  { name: 'sign up', path: '/console/sign-up', as: ['nobody'] },
  { name: 'sign up, with problems', path: '/console/sign-up', as: ['nobody'], status: 422, open: sendEmpty },
  { name: 'no keys yet', path: '/console/keys', as: ['newcomer', 'member'] },
  { name: 'keys', path: '/console/keys', as: ['owner', 'operator'], instants: true },
  { name: 'keys, a whole page', path: '/console/keys', as: ['cora'] },
  { name: 'keys of an organization', path: '/console/keys?organization=acme', as: ['member', 'operator'] },
  { name: 'keys, none found', path: '/console/keys?q=nothing+like+this', as: ['owner'] },
  { name: 'keys, filtered', path: '/console/keys?status=active&idle=90&expires=30&sort=name', as: ['owner', 'operator'], instants: true },
  { name: 'keys, with problems', path: '/console/keys?status=odd&page=0', as: ['owner'], status: 400 },
  { name: 'keys, without a database', at: 'bare', path: '/console/keys', as: ['operator'], status: 503 },
  { name: 'new key', path: '/console/keys/new', as: ['owner', 'operator'] },
  { name: 'new key of a team', path: '/console/keys/new?config=team', as: ['owner', 'operator', 'member'] },
  { name: 'new key, with problems', path: '/console/keys/new', as: ['owner', 'operator'], status: 422, open: sendWrongKey },
  { name: 'secret', path: '/console/keys/new', as: ['owner', 'operator'], open: makeKey },
  { name: 'key', path: '/console/keys/{used}', as: ['owner', 'operator'], instants: true },
  { name: 'key, 24 hours', path: '/console/keys/{used}?usage=24h', as: ['owner'] },
  { name: 'key, 90 days', path: '/console/keys/{used}?usage=90d', as: ['owner'] },
  { name: 'key with an emoji name', path: '/console/keys/{emoji}', as: ['owner'] },
  { name: 'key with a turned name', path: '/console/keys/{turned}', as: ['owner', 'operator'] },
  { name: 'key without a name', path: '/console/keys/{nameless}', as: ['owner'] },
  { name: 'key, revoked', path: '/console/keys/{revoked}', as: ['owner', 'operator'] },
  { name: 'key, disabled', path: '/console/keys/{disabled}', as: ['owner'] },
  { name: 'key, expired', path: '/console/keys/{expired}', as: ['owner'] },
  { name: 'key, used up', path: '/console/keys/{exhausted}', as: ['owner'] },
  { name: 'key, in rotation', path: '/console/keys/{rotating}', as: ['owner'] },
  { name: 'key of a team', path: '/console/keys/{team}', as: ['owner', 'operator', 'member'], instants: true },
  { name: 'edit', path: '/console/keys/{used}/edit', as: ['owner', 'operator'] },
  { name: 'edit, revoked', path: '/console/keys/{revoked}/edit', as: ['operator'] },
  { name: 'test', path: '/console/keys/{used}/test', as: ['owner', 'operator'] },
  { name: 'test, refused', path: '/console/keys/{revoked}/test?permissions=files:read&address=203.0.113.7&cost=2', as: ['owner'] },
  { name: 'test, with problems', path: '/console/keys/{used}/test?cost=x', as: ['owner'], status: 422 },
  { name: 'rotate', path: '/console/keys/{used}/rotate', as: ['owner', 'operator'] },
  { name: 'rotate, under way', path: '/console/keys/{rotating}/rotate', as: ['owner'] },
  { name: 'rotate, with problems', path: '/console/keys/{emoji}/rotate', as: ['owner'], status: 422, open: rotateWrongly },
  { name: 'revoke', path: '/console/keys/{used}/revoke', as: ['owner', 'operator'] },
  { name: 'revoke, done', path: '/console/keys/{revoked}/revoke', as: ['owner'] },
  { name: 'delete', path: '/console/keys/{used}/delete', as: ['owner', 'operator'] },
  { name: 'account', path: '/console/account', as: ['owner', 'operator', 'newcomer'], instants: true },
  { name: 'account, with problems', path: '/console/account', as: ['owner'], status: 422, open: changeNoPassword },
  { name: 'account, after a day', path: '/console/account', as: ['late'] },
  { name: 'users', path: '/console/users', as: ['operator'], instants: true },
  { name: 'users, none found', path: '/console/users?user=nobody', as: ['operator'], status: 404 },
  { name: 'user', path: '/console/users/{olive}', as: ['operator'], instants: true },
  { name: 'user, unknown', path: '/console/users/nobody', as: ['operator'], status: 404 },
  { name: 'user, banned', path: '/console/users/{banned}', as: ['operator'], instants: true },
  { name: 'link for a user', path: '/console/users/{olive}', as: ['operator'], open: makeResetLink },
  { name: 'form that was sent before', path: '/console/users/{olive}', as: ['operator'], status: 409, open: sendLinkTwice },
  { name: 'ban', path: '/console/users/{olive}/ban', as: ['operator'] },
  { name: 'end a ban', path: '/console/users/{banned}/unban', as: ['operator'] },
  { name: 'make an operator', path: '/console/users/{olive}/operator', as: ['operator'] },
  { name: 'remove an operator', path: '/console/users/{olive}/remove-operator', as: ['operator'] },
  { name: 'owners', path: '/console/owners', as: ['operator'] },
  { name: 'owner', path: '/console/owners/{olive}', as: ['operator'] },
  { name: 'owner, unknown', path: '/console/owners/nobody', as: ['operator'] },
  { name: 'suspend', path: '/console/owners/{olive}/suspend', as: ['operator'] },
  { name: 'suspend, with problems', path: '/console/owners/{olive}/suspend', as: ['operator'], status: 422, open: confirmWrongly },
  { name: 'suspend, done', path: '/console/owners/{tenant}/suspend', as: ['operator'], open: suspendAll },
  { name: 'resume', path: '/console/owners/{olive}/resume', as: ['operator'] },
  { name: 'revoke all', path: '/console/owners/{olive}/revoke', as: ['operator'] },
  { name: 'health', path: '/console/health', as: ['owner', 'operator', 'newcomer'] },
  { name: 'finding', path: '/console/health/{finding}', as: ['owner', 'operator'], instants: true },
  { name: 'finding, none', path: '/console/health/leaked', as: ['owner'] },
  { name: 'finding, done', path: '/console/health/never_used', as: ['operator'], open: revokeUnused },
  { name: 'audit', path: '/console/audit', as: ['operator'], instants: true },
  { name: 'audit, none found', path: '/console/audit?actor=user:nobody', as: ['operator'] },
  { name: 'audit, with problems', path: '/console/audit?from=yesterday', as: ['operator'], status: 400 },
  { name: 'audit, no file', path: '/console/audit/export?after=x', as: ['operator'], status: 400 },
  { name: 'webhooks', path: '/console/webhooks', as: ['operator'], instants: true },
  { name: 'webhooks, none yet', at: 'bare', path: '/console/webhooks', as: ['operator'] },
  { name: 'new webhook', path: '/console/webhooks/new', as: ['operator'] },
  { name: 'new webhook, with problems', path: '/console/webhooks/new', as: ['operator'], status: 422, open: sendWrongWebhook },
  { name: 'secret of a webhook', path: '/console/webhooks/new', as: ['operator'], open: makeWebhook },
  { name: 'webhook', path: '/console/webhooks/{webhook}', as: ['operator'], instants: true },
  { name: 'secret of a webhook, changed', path: '/console/webhooks/{webhook}/secret', as: ['operator'] },
  { name: 'new secret of a webhook', path: '/console/webhooks/{webhook}/secret', as: ['operator'], open: changeSecret },
  { name: 'delete a webhook', path: '/console/webhooks/{webhook}/delete', as: ['operator'] },
  { name: 'server keys', path: '/console/server-keys', as: ['operator'], instants: true },
  { name: 'server keys, none yet', at: 'bare', path: '/console/server-keys', as: ['operator'] },
  { name: 'secret of a server key', path: '/console/server-keys', as: ['operator'], open: makeServerKey },
  { name: 'revoke a server key', path: '/console/server-keys/{serverKey}/revoke', as: ['operator'] },
  { name: 'settings', path: '/console/settings', as: ['operator'] },
  { name: 'settings, for operators alone', path: '/console/settings', as: ['owner'], status: 403 },
  { name: 'claim', at: 'bare', path: '/console/claim/{claim}', as: ['nobody', 'newcomer'] },
  { name: 'claim, with problems', at: 'bare', path: '/console/claim/{claim}', as: ['nobody'], status: 422, open: claimEmpty },
  { name: 'claim, no such link', path: '/console/claim/nothing', as: ['nobody'], status: 404 },
  { name: 'reset', path: '/console/reset/{reset}', as: ['nobody'] },
  { name: 'reset, with problems', path: '/console/reset/{reset}', as: ['nobody'], status: 422, open: setNoPassword },
  { name: 'reset, no such link', path: '/console/reset/nothing', as: ['nobody'], status: 404 },
  { name: 'too many tries', at: 'bare', path: '/console/sign-in', as: ['nobody'], status: 429, open: guessLinks },
  { name: 'portal, no such link', path: '/console/portal/nothing', as: ['nobody'], status: 404 },
  { name: 'portal, open', path: '/console/portal/{link}', as: ['nobody'], changed: STILL },
  { name: 'portal, without cookies', path: '/console/portal/{link}', as: ['nobody'], status: 400, changed: STILL, open: openWithoutCookies },
  { name: 'portal, closed', path: '/console/portal/s/{session}/keys', as: ['guest'], open: closePortal },
  { name: 'portal, keys', path: '/console/portal/s/{session}/keys', as: ['guest'], instants: true },
  { name: 'portal, new key', path: '/console/portal/s/{session}/keys/new', as: ['guest'] },
  { name: 'portal, secret', path: '/console/portal/s/{session}/keys/new', as: ['guest'], open: makeKey },
  { name: 'portal, key', path: '/console/portal/s/{session}/keys/{used}', as: ['guest'], instants: true },
  { name: 'portal, test', path: '/console/portal/s/{session}/keys/{used}/test', as: ['guest'] },
  { name: 'portal, rotate', path: '/console/portal/s/{session}/keys/{used}/rotate', as: ['guest'] },
  { name: 'portal, revoke', path: '/console/portal/s/{session}/keys/{used}/revoke', as: ['guest'] },
  { name: 'portal, may not be', path: '/console/portal/s/{session}/keys/{used}/delete', as: ['guest'], status: 403 },
  { name: 'portal, of another', path: '/console/portal/s/{session}/keys', as: ['nobody'], status: 401 },
  { name: 'no such key', path: '/console/keys/nothing', as: ['owner', 'operator'], status: 404 },
  { name: 'no such page', path: '/console/nothing/at/all', as: ['owner', 'nobody'], status: 404 },
  { name: 'stale form', path: '/console/keys/{emoji}/edit', as: ['owner'], status: 409, open: sendStale },
  { name: 'unknown origin', path: '/console/keys/{emoji}/edit', as: ['owner'], status: 403, open: sendFromElsewhere },
];

/** Where forms are sent that have no page of their own. */
export const ACTIONS = [
  '/console',
  '/console/sign-out',
  '/console/account/name',
  '/console/account/password',
  '/console/account/confirm',
  '/console/account/sessions/end',
  '/console/account/sessions/end-others',
  '/console/account/sessions/end-all',
  '/console/users/{}',
  '/console/users/{}/reset-link',
  '/console/users/{}/unban',
  '/console/claim/{}',
  '/console/reset/{}',
  '/console/portal/{}',
  '/console/portal/s/{}',
  '/console/portal/s/{}/end',
  '/console/audit/export',
  '/console/webhooks/{}/test',
  '/console/webhooks/{}/pause',
  '/console/webhooks/{}/resume',
  '/console/webhooks/{}/replay',
  '/console/keys/{}/restore',
  '/console/keys/{}/rotate/cancel',
  '/console/keys/{}/rotate/finish',
];

/** Returns the address of a page in a world. */
export function addressOf({ path }, { ids }) {
  return path.replace(/\{(\w+)\}/g, (_, name) => {
    if (ids[name] === undefined) throw new Error(`the world has no ${name}`);
    return encodeURIComponent(ids[name]);
  });
}

/** Returns true if an address is that of a page, of an action, of a document of ours, or where a guest came from. */
export function isKnown(address) {
  return address.startsWith(DOCUMENTS) || address === RETURN_URL || KNOWN.some((pattern) => pattern.test(address));
}

const DOCUMENTS = 'https://github.com/keymint/keymint/';

const KNOWN = [...PAGES.map((entry) => entry.path.split('?')[0]), ...ACTIONS].map(
  (path) => new RegExp(`^${path.replace(/\{\w*\}/g, '[^/]+')}$`),
);

async function signInWrongly({ page }) {
  await page.getByLabel('E-mail address').fill('olive@example.com');
  await page.getByLabel('Password').fill('not this one');
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function sendEmpty({ page }) {
  await page.getByRole('button', { name: 'Make the account' }).click();
}

async function claimEmpty({ page }) {
  await page.getByRole('button', { name: 'Make my account' }).click();
}

async function guessLinks(visitor) {
  visitor.allow(404);
  for (let tries = 0; tries < 9; tries += 1) if ((await visitor.goto('/console/reset/nothing')) === 429) return;
}

async function sendWrongKey({ page }) {
  await page.getByLabel('Name').fill('\u202Egnp.yek');
  await page.getByRole('radio', { name: 'After', exact: true }).check();
  await page.getByLabel(/^Days, /).fill('many');
  await page.getByRole('button', { name: 'Make the key' }).click();
}

async function makeKey({ page }) {
  await page.getByLabel('Name').fill('<b>bold</b> 🦊');
  await page.getByRole('button', { name: 'Make the key' }).click();
}

async function rotateWrongly({ page }) {
  await page.getByRole('radio', { checked: true }).evaluateAll((radios) => radios.forEach((radio) => (radio.checked = false)));
  await page.getByRole('button', { name: 'Make a new secret' }).click();
}

async function changeNoPassword({ page }) {
  await page.getByRole('button', { name: 'Change the password' }).click();
}

async function makeResetLink({ page }) {
  await page.getByRole('button', { name: 'Make a link' }).click();
}

/** The form was sent by another tab in the meantime. */
async function sendLinkTwice({ page, context, server }) {
  const found = page.locator('form[action$="/reset-link"]');
  const form = await found.evaluate((element) => Object.fromEntries(new FormData(element)));
  await context.request.post(`${page.url()}/reset-link`, { form, headers: { origin: server.origin } });
  await makeResetLink({ page });
}

async function suspendAll({ page }) {
  await page.getByLabel(/^To confirm/).fill('tenant-7');
  await page.getByRole('button', { name: 'Suspend all keys' }).click();
}

/** Of two keys one was changed after the page was shown. */
async function revokeUnused({ page, server }) {
  for (const box of await page.getByRole('checkbox').all()) await box.uncheck();
  for (const box of await page.getByRole('checkbox', { name: /^Choose <b>unused/ }).all()) await box.check();
  await page.getByRole('radio', { name: /^Revoke/ }).check();
  const [, id] = await page.getByRole('checkbox', { checked: true }).evaluateAll((boxes) => boxes.map(({ value }) => value.split('.')[0]));
  await server.call('api-key/update', { keyId: id, name: 'changed' });
  await page.getByLabel(/^To confirm/).fill('never_used');
  await page.getByRole('button', { name: 'Change the chosen keys' }).click();
}

async function setNoPassword({ page }) {
  await page.getByRole('button', { name: 'Set the password' }).click();
}

async function confirmWrongly({ page }) {
  await page.locator('main form input[type="text"], main form input:not([type])').first().fill('something else');
  await page.locator('main form button').click();
}

async function sendWrongWebhook({ page }) {
  await page.getByLabel('Address').fill('http://<b>not</b>');
  await page.getByRole('button', { name: 'Make the webhook' }).click();
}

async function makeWebhook({ page }) {
  await page.getByLabel('Address').fill('https://hooks.invalid/other');
  await page.getByRole('button', { name: 'Make the webhook' }).click();
}

async function changeSecret({ page }) {
  await page.getByRole('button', { name: 'Change the secret' }).click();
}

async function openWithoutCookies({ page, context }) {
  await context.clearCookies();
  await page.getByRole('button', { name: 'Open' }).click();
}

async function closePortal(visitor) {
  await visitor.goto(await portalLink(visitor.server, { id: 'customer-7' }));
  await visitor.page.waitForURL(/\/portal\/s\/[^/]+\/keys$/);
  await visitor.page.getByRole('button', { name: 'Close' }).click();
}

async function makeServerKey({ page }) {
  await page.getByLabel('Name').fill('<b>Shop</b> 🦊');
  await page.getByRole('button', { name: 'Make the key' }).click();
}

async function sendStale({ page }) {
  await page.locator('input[name="version"]').evaluate((input) => (input.value = 'of-another-time'));
  await page.getByRole('button', { name: 'Save' }).click();
}

async function sendFromElsewhere(visitor) {
  const { page, context } = visitor;
  await context.route('**/edit', async (route) => {
    const headers = { ...(await route.request().allHeaders()), origin: 'https://elsewhere.example' };
    return route.fulfill({ response: await route.fetch({ headers }) });
  });
  await page.getByRole('button', { name: 'Save' }).click();
}
