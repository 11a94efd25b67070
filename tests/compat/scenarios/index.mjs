import account from './account.mjs';
import addresses from './addresses.mjs';
import banning from './banning.mjs';
import configurations from './configurations.mjs';
import cookies from './cookies.mjs';
import create from './create.mjs';
import remove from './delete.mjs';
import get from './get.mjs';
import keySession from './key-session.mjs';
import list from './list.mjs';
import organizations from './organizations.mjs';
import origin from './origin.mjs';
import permissions from './permissions.mjs';
import quota from './quota.mjs';
import rateLimit from './rate-limit.mjs';
import rows from './rows.mjs';
import serverCreate from './server-create.mjs';
import serverUpdate from './server-update.mjs';
import session from './session.mjs';
import signIn from './sign-in.mjs';
import signUp from './sign-up.mjs';
import transport from './transport.mjs';
import update from './update.mjs';
import verify from './verify.mjs';

/** The one list that is driven against both sides. */
export const SCENARIOS = [
  ...transport,
  ...origin,
  ...addresses,
  ...signUp,
  ...signIn,
  ...session,
  ...cookies,
  ...account,
  ...create,
  ...serverCreate,
  ...verify,
  ...quota,
  ...rateLimit,
  ...permissions,
  ...get,
  ...list,
  ...update,
  ...serverUpdate,
  ...remove,
  ...rows,
  ...configurations,
  ...organizations,
  ...keySession,
  ...banning,
];
