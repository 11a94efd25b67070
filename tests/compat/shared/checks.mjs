// What must hold where Better Auth and Keymint serve one database at the same time.
import assert from 'node:assert/strict';
import { write } from '../targets/rows.mjs';
import { ask, sessionUser, signIn, signUp } from './person.mjs';

/** Makes a key at a server, for an owner. */
async function makeKey(target, body) {
  const answer = await target.call('create', body);
  assert.equal(answer.status, 200, `${target.name}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** What a server says of a key: `valid`, or the code of the refusal. */
async function verdict(target, key) {
  const { body } = await target.call('verify', { key: key.key });
  return body.valid ? 'valid' : body.error.code;
}

/** Presents a key to one server and the other in turn. */
async function inTurn(targets, key, times) {
  const verdicts = [];
  for (let time = 0; time < times; time += 1) verdicts.push(await verdict(targets[time % 2], key));
  return verdicts;
}

/** Checks that hold for either side as the one that made something. */
const FROM_ONE_TO_THE_OTHER = {
  'who signed up on one side signs in on the other': async (one, other) => {
    const person = await signUp(one);
    assert.equal(await sessionUser(other, await signIn(other, person)), person.id);
  },
  'a session of one side is one on the other': async (one, other) => {
    const person = await signUp(one);
    assert.equal(await sessionUser(other, person), person.id);
  },
  'signing out on one side ends the session on the other': async (one, other) => {
    const person = await signUp(one);
    await ask(other, person, 'POST', '/sign-out', {});
    assert.equal(await sessionUser(one, person), undefined);
  },
  'a key of one side verifies on the other': async (one, other) => {
    assert.equal(await verdict(other, await makeKey(one, { userId: 'somebody' })), 'valid');
  },
  'a key of a configuration with checksums verifies on the other': async (one, other) => {
    const key = await makeKey(one, { userId: 'somebody', configId: 'checked' });
    if (one.name === 'keymint' && key.configId === 'checked') assert.match(key.key, /^ck_[0-9A-Za-z]{49}$/);
    assert.equal(await verdict(other, key), 'valid');
    assert.equal(await verdict(other, { key: `${key.key}0` }), 'INVALID_API_KEY');
  },
  'a key that a user made on one side is listed and changed on the other': async (one, other) => {
    const person = await signUp(one);
    const key = await ask(one, person, 'POST', '/api-key/create', { name: 'first', metadata: { plan: 'free' } });
    const { apiKeys } = await ask(other, person, 'GET', '/api-key/list');
    const { key: text, ...shown } = key;
    assert.deepEqual(apiKeys, [shown], `the list of ${other.name} for ${text}`);
    await ask(other, person, 'POST', '/api-key/update', { keyId: key.id, enabled: false });
    assert.equal(await verdict(one, key), 'KEY_DISABLED');
  },
  'a key that was deleted on one side is gone on the other': async (one, other) => {
    const person = await signUp(one);
    const key = await ask(one, person, 'POST', '/api-key/create', {});
    await ask(other, person, 'POST', '/api-key/delete', { keyId: key.id });
    assert.equal(await verdict(one, key), 'INVALID_API_KEY');
  },
  'a quota goes down on both sides': async (one, other) => {
    const key = await makeKey(one, { userId: 'somebody', remaining: 4 });
    assert.deepEqual(await inTurn([one, other], key, 4), ['valid', 'valid', 'valid', 'valid']);
    // Once only: Better Auth removes the row of an exhausted key when it is presented again.
    assert.equal(await verdict(one, key), 'USAGE_EXCEEDED');
  },
  'the secret in use verifies on both sides throughout a rotation': async (one, other) => {
    const key = await makeKey(one, { userId: 'somebody' });
    const [keymint, reference] = one.name === 'keymint' ? [one, other] : [other, one];
    const { status, body: rotated } = await keymint.call('rotate', { keyId: key.id });
    assert.equal(status, 200, JSON.stringify(rotated));
    assert.deepEqual([await verdict(reference, key), await verdict(keymint, key)], ['valid', 'valid']);
    assert.equal(await verdict(reference, rotated), 'INVALID_API_KEY', 'it is not in use yet');
    assert.equal(await verdict(keymint, rotated), 'valid', 'its first use');
    assert.deepEqual([await verdict(reference, rotated), await verdict(keymint, rotated)], ['valid', 'valid']);
    assert.equal(await verdict(reference, key), 'INVALID_API_KEY', 'Better Auth knows the secret in use alone');
    assert.equal(await verdict(keymint, key), 'valid', 'its grace');
    await keymint.call('rotation/finish', { keyId: key.id });
    assert.deepEqual([await verdict(reference, rotated), await verdict(keymint, rotated)], ['valid', 'valid']);
    assert.equal(await verdict(keymint, key), 'INVALID_API_KEY');
  },
  'a rate limit counts the calls of both sides': async (one, other) => {
    const key = await makeKey(one, { userId: 'somebody', rateLimitMax: 3, rateLimitTimeWindow: 3_600_000 });
    const expected = ['valid', 'valid', 'valid', 'RATE_LIMITED', 'RATE_LIMITED'];
    assert.deepEqual(await inTurn([one, other], key, 5), expected);
  },
  'a refill on one side is seen on the other': async (one, other) => {
    const key = await makeKey(one, { userId: 'somebody', remaining: 1, refillAmount: 2, refillInterval: 1 });
    for (const target of [one, other, one, other]) {
      // Two milliseconds are more than the interval; there is no other way to make time pass for both at once.
      await new Promise((resolve) => setTimeout(resolve, 2));
      const { body } = await target.call('verify', { key: key.key });
      assert.equal(body.key?.remaining, 1, `${target.name}: ${JSON.stringify(body)}`);
    }
  },
  'a change on one side keeps what Keymint says of addresses': async (one, other) => {
    const person = await signUp(one);
    const key = await makeKey(one, { userId: person.id, allowedAddresses: ['192.0.2.0/24'] });
    const before = await verdict(one, key);
    // Better Auth drops the member.
    assert.equal(before, one.name === 'keymint' ? 'IP_NOT_ALLOWED' : 'valid');
    await ask(other, person, 'POST', '/api-key/update', { keyId: key.id, name: 'changed' });
    assert.equal(await verdict(one, key), before);
  },
  'metadata that was stored twice as JSON is read by both': async (one, other, url) => {
    const key = await makeKey(one, { userId: 'somebody' });
    await write(url, 'apikey', key.id, 'metadata', JSON.stringify(JSON.stringify({ plan: 'free' })));
    const { body } = await other.call('verify', { key: key.key });
    assert.deepEqual(body.key.metadata, { plan: 'free' });
  },
};

/** Runs every check in both directions, and returns how many there were. */
export async function runSharedChecks(reference, keymint, url) {
  let count = 0;
  for (const [name, check] of Object.entries(FROM_ONE_TO_THE_OTHER)) {
    for (const [one, other] of [
      [reference, keymint],
      [keymint, reference],
    ]) {
      try {
        await check(one, other, url);
      } catch (error) {
        throw new Error(`${name} (made by ${one.name}): ${error.message}`, { cause: error });
      }
      count += 1;
    }
  }
  return count;
}
