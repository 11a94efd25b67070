// The ways in which a database may have come to be before both sides serve it.
import assert from 'node:assert/strict';
import plain from '../profiles/plain.mjs';
import several from '../profiles/several.mjs';
import * as issuer from '../issuer/packages.mjs';
import { migrateByKeymint, startKeymint } from '../targets/keymint.mjs';
import * as current from '../targets/packages.mjs';
import { migrate, missing, startReference } from '../targets/reference.mjs';
import { runSharedChecks } from './checks.mjs';
import { checkOddRows } from './odd.mjs';
import { sessionUser, signIn, signUp } from './person.mjs';

/** Each takes the URL of an empty database, and what starts the side that is tested. */
export const CASES = {
  'a database that Better Auth made': (url, start) => madeByBetterAuth(several, url, current, start),
  'a database that Better Auth 1.7.1 made, with issuers': (url, start) => madeByBetterAuth(plain, url, issuer, start),
  'a database that Keymint made': madeByKeymint,
};

/** Better Auth has served the database before the other side comes. */
async function madeByBetterAuth(profile, url, packages, start) {
  await migrate(profile, url, packages);
  const reference = await startReference(profile, url, packages);
  const before = await signUp(reference);
  const tested = await start(profile, url, packages);
  try {
    assert.equal(await sessionUser(tested, await signIn(tested, before)), before.id);
    const checks = await runSharedChecks(reference, tested, url);
    assert.deepEqual(await missing(profile, url, packages), []);
    return checks + (tested.name === 'keymint' ? await checkOddRows(reference, tested) : 0);
  } finally {
    await Promise.all([reference.stop(), tested.stop()]);
  }
}

/** Keymint has made every table that Better Auth wants, and has served it before Better Auth comes. */
async function madeByKeymint(url, start) {
  await (start === startKeymint ? migrateByKeymint : migrate)(several, url);
  assert.deepEqual(await missing(several, url), []);
  const tested = await start(several, url);
  const before = await signUp(tested);
  const reference = await startReference(several, url);
  try {
    assert.equal(await sessionUser(reference, await signIn(reference, before)), before.id);
    return await runSharedChecks(reference, tested, url);
  } finally {
    await Promise.all([reference.stop(), tested.stop()]);
  }
}
