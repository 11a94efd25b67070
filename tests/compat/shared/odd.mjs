// Values that Better Auth takes and stores, and what Keymint makes of their keys.
import assert from 'node:assert/strict';
import { ask, signUp } from './person.mjs';

const HOUR = 3_600_000;
const DEEP = Array.from({ length: 200 }).reduce((inner) => [inner], []);

/** What is asked of Better Auth, and what Keymint then says to one use after the other. */
const ODD = [
  [{ rateLimitMax: -1 }, ['RATE_LIMITED']],
  [{ rateLimitMax: 0 }, ['RATE_LIMITED']],
  [{ rateLimitMax: 0.5 }, ['valid', 'RATE_LIMITED']],
  [{ rateLimitMax: 1.5 }, ['valid', 'valid', 'RATE_LIMITED']],
  [{ rateLimitMax: 1e30 }, ['valid', 'valid']],
  [{ rateLimitMax: 1, rateLimitTimeWindow: -1 }, ['valid', 'valid']],
  [{ rateLimitMax: 1, rateLimitTimeWindow: 0 }, ['valid', 'valid']],
  [{ rateLimitTimeWindow: 0.5 }, ['valid', 'valid']],
  [{ rateLimitMax: 1, rateLimitTimeWindow: 1e30 }, ['valid', 'RATE_LIMITED']],
  [{ remaining: 0 }, ['USAGE_EXCEEDED']],
  [{ remaining: 0.5 }, ['valid', 'USAGE_EXCEEDED']],
  [{ remaining: 1.5 }, ['valid', 'valid', 'USAGE_EXCEEDED']],
  [{ remaining: 1e30 }, ['valid', 'valid']],
  [{ remaining: 1, refillAmount: 1, refillInterval: -HOUR }, ['valid', 'USAGE_EXCEEDED']],
  [{ remaining: 1, refillAmount: 1.5, refillInterval: HOUR }, ['valid', 'USAGE_EXCEEDED']],
  [{ remaining: 1, refillAmount: 1e30, refillInterval: 1e30 }, ['valid', 'USAGE_EXCEEDED']],
  [{ name: '' }, ['valid']],
  [{ name: 'right \u202e to left, \u0085 and on' }, ['valid']],
  [{ metadata: { half: '\ud800', deep: DEEP } }, ['valid']],
  [{ permissions: { '': [], files: ['\ud800', ''] } }, ['valid']],
  [{ userId: 'x'.repeat(3000) }, ['valid']],
];

/** What only an update takes. */
const UPDATED = [
  [{ refillAmount: -1, refillInterval: 1 }, ['valid', 'USAGE_EXCEEDED']],
  [{ refillAmount: 1, refillInterval: 0 }, ['valid', 'USAGE_EXCEEDED']],
];

/** Makes the keys at Better Auth, and returns how many of its engine's columns hold. */
export async function checkOddRows(reference, keymint) {
  const person = await signUp(reference);
  const made = [];
  for (const [members, verdicts] of ODD) {
    const key = await take(reference, 'create', { userId: person.id, ...members });
    if (key) made.push({ members, verdicts, key });
  }
  for (const [members, verdicts] of UPDATED) {
    const key = await take(reference, 'create', { userId: person.id, remaining: 1 });
    if (await take(reference, 'update', { userId: person.id, keyId: key.id, ...members })) {
      made.push({ members, verdicts, key });
    }
  }
  const own = made.filter(({ key }) => key.referenceId === person.id);
  const { apiKeys, unreadable } = await ask(keymint, person, 'GET', '/api-key/list');
  assert.equal(unreadable, undefined);
  assert.deepEqual(new Set(apiKeys.map(({ id }) => id)), new Set(own.map(({ key }) => key.id)));
  for (const { members, verdicts, key } of made) {
    for (const verdict of verdicts) {
      const { body } = await keymint.call('verify', { key: key.key });
      assert.equal(body.valid ? 'valid' : body.error?.code, verdict, JSON.stringify(members));
    }
  }
  for (const { key } of own) {
    assert.equal((await ask(keymint, person, 'GET', `/api-key/get?id=${key.id}`)).id, key.id);
    await ask(keymint, person, 'POST', '/api-key/update', { keyId: key.id, enabled: false });
    await ask(keymint, person, 'POST', '/api-key/delete', { keyId: key.id });
  }
  return made.length;
}

/** What Better Auth answers; `undefined` where its database has no such value. */
async function take(reference, endpoint, body) {
  try {
    const answer = await reference.call(endpoint, body);
    return answer.status === 200 ? answer.body : undefined;
  } catch {
    return undefined;
  }
}
