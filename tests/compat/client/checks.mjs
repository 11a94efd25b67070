// What the official client does in a browser application, without a changed line.
import assert from 'node:assert/strict';
import { apiKeyClient } from '@better-auth/api-key/client';
import { createAuthClient } from 'better-auth/client';
import { BASE_PATH } from '../settings.mjs';
import { browser } from './browser.mjs';

const WEEK = 7 * 86_400;
const GRACE = { name: 'Grace', email: 'grace@example.com', password: 'correct horse' };

/** Runs every check against a target; the first that fails ends it. Returns their names. */
export async function runClientChecks(target) {
  const page = browser(target.origin);
  const client = createAuthClient({
    baseURL: `${target.address}${BASE_PATH}`,
    plugins: [apiKeyClient()],
    fetchOptions: { customFetchImpl: page.fetch },
  });
  const world = { client, page, target };
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      await check(world);
    } catch (error) {
      throw new Error(`the official client against ${target.name}: ${name}: ${error.message}`, { cause: error });
    }
  }
  return Object.keys(CHECKS);
}

/** The data of an answer that must be no error. */
function data(answer) {
  assert.equal(answer.error, null, JSON.stringify(answer.error));
  return answer.data;
}

const CHECKS = {
  'it has no session before it signs up': async ({ client }) => {
    assert.equal(data(await client.getSession()), null);
  },
  'it may not list keys without a session': async ({ client }) => {
    const { error } = await client.apiKey.list();
    assert.equal(error.status, 401);
    assert.equal(error.code, 'UNAUTHORIZED');
  },
  'it signs up, and has a session then': async ({ client }) => {
    const { user, token } = data(await client.signUp.email(GRACE));
    assert.equal(user.email, GRACE.email);
    assert.equal(user.emailVerified, false);
    assert.equal(typeof token, 'string');
    const session = data(await client.getSession());
    assert.equal(session.user.id, user.id);
    assert.ok(session.session.expiresAt instanceof Date);
  },
  'it signs out, and has no session then': async ({ client, page }) => {
    assert.deepEqual(data(await client.signOut()), { success: true });
    assert.equal(page.jar.size, 0);
    assert.equal(data(await client.getSession()), null);
  },
  'it is refused with a wrong password': async ({ client }) => {
    const { error } = await client.signIn.email({ ...GRACE, password: 'wrong horse' });
    assert.equal(error.status, 401);
    assert.equal(error.code, 'INVALID_EMAIL_OR_PASSWORD');
  },
  'it signs in': async (world) => {
    const { user, redirect } = data(await world.client.signIn.email(GRACE));
    assert.equal(user.name, GRACE.name);
    assert.equal(redirect, false);
    world.user = user;
  },
  'it creates keys, and sees each once in clear': async (world) => {
    const { client } = world;
    world.bravo = data(await client.apiKey.create({ name: 'bravo', prefix: 'app_', metadata: { plan: 'free' } }));
    world.alpha = data(await client.apiKey.create({ name: 'alpha', expiresIn: WEEK }));
    world.charlie = data(await client.apiKey.create({ name: 'charlie' }));
    assert.ok(world.bravo.key.startsWith('app_'));
    assert.deepEqual(world.bravo.metadata, { plan: 'free' });
    assert.ok(world.alpha.expiresAt instanceof Date);
    assert.ok(Math.abs(world.alpha.expiresAt - Date.now() - WEEK * 1000) < 60_000);
  },
  'its server verifies a key that it created': async ({ bravo, target }) => {
    const { body } = await target.call('verify', { key: bravo.key });
    assert.equal(body.valid, true);
    assert.equal(body.key.id, bravo.id);
  },
  'it is told why a key cannot be created': async ({ client }) => {
    const { error } = await client.apiKey.create({ name: 'delta', remaining: 5 });
    assert.equal(error.status, 400);
    assert.equal(error.code, 'SERVER_ONLY_PROPERTY');
  },
  'it lists keys without their texts': async ({ client }) => {
    const { apiKeys, total } = data(await client.apiKey.list());
    assert.equal(total, 3);
    assert.ok(apiKeys.every((key) => !('key' in key)));
  },
  'it lists keys by page and order': async ({ client }) => {
    const query = { limit: 2, offset: 1, sortBy: 'name', sortDirection: 'desc' };
    const page = data(await client.apiKey.list({ query }));
    assert.deepEqual(
      page.apiKeys.map(({ name }) => name),
      ['bravo', 'alpha'],
    );
    assert.deepEqual([page.total, page.limit, page.offset], [3, 2, 1]);
  },
  'it gets a key': async ({ client, bravo }) => {
    const key = data(await client.apiKey.get({ query: { id: bravo.id } }));
    assert.equal(key.name, 'bravo');
    assert.deepEqual(key.metadata, { plan: 'free' });
    assert.ok(key.createdAt instanceof Date);
  },
  'it updates a key': async ({ client, bravo }) => {
    const key = data(await client.apiKey.update({ keyId: bravo.id, name: 'renamed', enabled: false }));
    assert.equal(key.name, 'renamed');
    assert.equal(key.enabled, false);
  },
  'its server does not verify a key that it disabled': async ({ bravo, target }) => {
    const { body } = await target.call('verify', { key: bravo.key });
    assert.equal(body.valid, false);
    assert.equal(body.error.code, 'KEY_DISABLED');
  },
  'it deletes a key': async ({ client, charlie }) => {
    assert.deepEqual(data(await client.apiKey.delete({ keyId: charlie.id })), { success: true });
    const { error } = await client.apiKey.get({ query: { id: charlie.id } });
    assert.equal(error.status, 404);
    assert.equal(error.code, 'KEY_NOT_FOUND');
    assert.equal(data(await client.apiKey.list()).total, 2);
  },
  'it creates and lists keys of its organization': async ({ client, target, user }) => {
    const createdAt = new Date().toISOString();
    target.rows.insert('organization', { id: 'team', name: 'Team', slug: 'team', createdAt });
    const member = { id: 'member', organizationId: 'team', userId: user.id, role: 'owner', createdAt };
    target.rows.insert('member', member);
    const key = data(await client.apiKey.create({ configId: 'team', organizationId: 'team', name: 'ours' }));
    assert.equal(key.referenceId, 'team');
    const { apiKeys } = data(await client.apiKey.list({ query: { organizationId: 'team' } }));
    assert.deepEqual(
      apiKeys.map(({ id }) => id),
      [key.id],
    );
    assert.equal(data(await client.apiKey.list()).total, 2);
  },
  'it is told that it is no member of another organization': async ({ client }) => {
    const { error } = await client.apiKey.list({ query: { organizationId: 'strangers' } });
    assert.equal(error.status, 403);
    assert.equal(error.code, 'USER_NOT_MEMBER_OF_ORGANIZATION');
  },
  'it signs out at the end': async ({ client }) => {
    data(await client.signOut());
    assert.equal((await client.apiKey.list()).error.status, 401);
  },
};
