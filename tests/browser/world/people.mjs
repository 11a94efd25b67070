// The people and the keys that the pages are about, with texts that nobody wants to see in a page.

export const PASSWORD = 'correct horse battery';
/** 32 letters, each beyond the Basic Multilingual Plane. */
export const EMOJI = '🔑🦊🐙🌋🎡🧭🧪🪐🎈🍄🌵🦉🐝🐬🦀🌻🍉🥝🍋🫐🎲🎻🎺🥁🚲🚂🛶🏔🌊🌈🔥🌙';
export const MARKUP = '<script>alert("key")</script>';
/** Keymint takes no such name; another program on the database may have written it. */
export const TURNED = 'safe \u202Egnp.yek\u202C & <b>';
/** Where guests of the portal come from. */
export const RETURN_URL = 'https://app.example.com/settings';
const DAY_IN_MS = 86_400_000;

/** What the suites configure beside the defaults. */
export const CONFIGURATION = `
[console]
operators = ["olga@example.com"]

[webhooks]
allow_networks = ["127.0.0.1"]
allow_http = true

[organization]
roles = { admin = ["create", "read", "update", "delete"], member = ["read"] }

[[api_key]]
config_id = "default"
enable_metadata = true
name_length = { max = 64 }
undelete_days = 7
rate_limit = { window_ms = 60000, max_requests = 1000 }
grantable = { files = ["read", "write"], "<img src=x onerror=alert(1)>" = ["list"] }
permission_descriptions = { "files:read" = "Reads <b>files</b>.", "files:write" = "Changes files." }

[[api_key]]
config_id = "team"
references = "organization"
default_prefix = "team_"
`;

/** Adds the columns for bans, which Better Auth's admin plugin has. */
export function withBans(rows) {
  rows.exec('alter table "user" add column "banned" boolean');
  rows.exec('alter table "user" add column "banExpires" date');
}

/** Signs somebody up over HTTP. */
export async function signUp(server, name, email, password = PASSWORD) {
  const answer = await server.call('sign-up/email', { name, email, password });
  const cookie = answer.cookies[0].split(';')[0];
  return { id: answer.user.id, name, email, password, cookie };
}

/** Makes a user an operator. */
export function makeOperator(server, user) {
  server.rows((rows) =>
    rows
      .prepare('insert into "keymint_operator" ("userId", "since") values (?, ?)')
      .run(user.id, new Date().toISOString()),
  );
}

/** Makes the sessions of a user two days old. */
export function ageSessions(server, user) {
  const then = new Date(Date.now() - 2 * DAY_IN_MS).toISOString();
  server.rows((rows) => rows.prepare('update "session" set "createdAt" = ? where "userId" = ?').run(then, user.id));
}

/** Adds accepted and refused uses of a key in the past: `[days ago, accepted, refused]`. */
export function addUses(server, id, uses) {
  server.rows((rows) => {
    // Usage is found by the owner's activity.
    const { referenceId, configId } = rows.prepare('select * from "apikey" where "id" = ?').get(id);
    rows
      .prepare('insert or ignore into "keymint_activity" ("keyId", "ownerId", "configId", "lastUsedAt") values (?, ?, ?, ?)')
      .run(id, referenceId, configId, new Date().toISOString());
    const insert = rows.prepare(
      'insert or replace into "keymint_usage" ("keyId", "hour", "hours", "outcome", "calls", "cost") values (?, ?, 1, ?, ?, ?)',
    );
    const now = Date.now();
    for (const [days, accepted, refused = 0, outcome = 'RATE_LIMITED'] of uses) {
      const hour = Math.floor((now - days * DAY_IN_MS) / 3_600_000);
      if (accepted > 0) insert.run(id, hour, '', accepted, accepted);
      if (refused > 0) insert.run(id, hour, outcome, refused, 0);
    }
  });
}

/** Makes an organization with members: `[user, role]`. */
export function makeOrganization(server, id, name, members) {
  const now = new Date().toISOString();
  server.rows((rows) => {
    rows
      .prepare('insert into "organization" ("id", "name", "slug", "createdAt") values (?, ?, ?, ?)')
      .run(id, name, id, now);
    const insert = rows.prepare(
      'insert into "member" ("id", "organizationId", "userId", "role", "createdAt") values (?, ?, ?, ?, ?)',
    );
    members.forEach(([user, role], place) => insert.run(`${id}-${place}`, id, user.id, role, now));
  });
}

/** Changes the row of a key. */
export function changeKey(server, id, columns) {
  const assignments = Object.keys(columns).map((column) => `"${column}" = ?`);
  server.rows((rows) =>
    rows.prepare(`update "apikey" set ${assignments.join(', ')} where "id" = ?`).run(...Object.values(columns), id),
  );
}

/** Gives somebody more keys than a page has, each with the longest texts and with uses. */
function crowd(server, { id: owner }, like) {
  const ids = Array.from({ length: 60 }, (_, number) => `crowd${String(number).padStart(27, '0')}`);
  server.rows((rows) => {
    const row = rows.prepare('select * from "apikey" where "id" = ?').get(like);
    // The driver adds a member of its own.
    const names = Object.keys(row).filter((name) => name !== '_metadata');
    const insert = rows.prepare(
      `insert into "apikey" (${names.map((name) => `"${name}"`).join(', ')}) values (${names.map(() => '?').join(', ')})`,
    );
    ids.forEach((id, number) => {
      const name = `${MARKUP}${MARKUP}`.slice(0, 60) + number;
      const copy = { ...row, id, name, referenceId: owner, key: `no hash ${number}` };
      insert.run(...names.map((name) => copy[name]));
    });
  });
  for (const id of ids) addUses(server, id, [1, 2, 3].map((days) => [days, 1_234_567]));
}

/** Makes a link by which a guest enters the portal of an owner. */
export async function portalLink(server, owner, may = ['create', 'rotate', 'revoke']) {
  return (await server.call('portal/sessions', { owner: owner.id, may, returnUrl: RETURN_URL })).url;
}

/** Makes a link to the portal that is valid for a day, and returns its token. */
export async function lastingLink(server, owner) {
  const link = await portalLink(server, owner);
  const later = new Date(Date.now() + DAY_IN_MS).toISOString();
  server.rows((rows) => rows.prepare(`update "keymint_link" set "expiresAt" = ? where "purpose" = 'portal'`).run(later));
  return link.split('/').at(-1);
}

/** Enters the portal of an owner as a browser would, and returns the session: its id, its path, and its cookie. */
export async function enterPortal(server, owner) {
  const link = await portalLink(server, owner);
  const cookiesOf = (answer) => answer.headers.getSetCookie().map((line) => line.split(';')[0]);
  const headers = { origin: server.origin, cookie: cookiesOf(await fetch(link)).join('; ') };
  const opened = await fetch(link, { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams() });
  const path = opened.headers.get('location').replace(/\/keys$/, '');
  return { id: path.split('/').at(-1), path, cookie: cookiesOf(opened)[0] };
}

/** Returns the token of the link that the first start has printed. */
export function claimOf(server) {
  return server.said().match(/\/console\/claim\/([\w-]+)/)[1];
}

/** Makes a link by which a user chooses another password, and returns its token. */
export async function resetOf(server, { email }) {
  return (await server.command('user', 'reset-link', email)).match(/\/reset\/([\w-]+)/)[1];
}

/** Makes the people of a server that has nothing else. Its link of the first start stays valid, and its table of keys is gone. */
export async function populateBare(server) {
  const operator = await signUp(server, 'Otto', 'otto@example.com');
  const newcomer = await signUp(server, 'Nils', 'nils@example.com');
  makeOperator(server, operator);
  server.rows((rows) => rows.exec('alter table "apikey" rename to "gone"'));
  return { server, people: { operator, newcomer, nobody: undefined }, ids: { claim: claimOf(server) } };
}

/** Makes the people and the keys of the table of pages. */
export async function populate(server) {
  const owner = await signUp(server, `Olive ${MARKUP}`, 'olive@example.com');
  const operator = await signUp(server, 'Otto 🦉', 'otto@example.com');
  const member = await signUp(server, 'Mia', 'mia@example.com');
  const newcomer = await signUp(server, 'Nils', 'nils@example.com');
  const late = await signUp(server, 'Lea', 'lea@example.com');
  ageSessions(server, late);
  const banned = await signUp(server, `Ben ${MARKUP}`, 'ben@example.com');
  server.rows((rows) => rows.prepare('update "user" set "banned" = 1 where "id" = ?').run(banned.id));
  makeOperator(server, operator);
  makeOrganization(server, 'acme', `Acme ${MARKUP}`, [
    [owner, 'owner'],
    [member, 'member'],
  ]);

  const mint = (name, more = {}) => server.call('api-key/create', { userId: owner.id, name, ...more });
  const keys = {
    used: await mint(MARKUP, {
      metadata: { plan: MARKUP, turned: TURNED, emoji: EMOJI },
      permissions: { files: ['read', 'write'], [MARKUP]: [MARKUP] },
      expiresIn: 3 * 86_400,
      remaining: 5000,
      refillAmount: 5000,
      refillInterval: 30 * DAY_IN_MS,
    }),
    emoji: await mint(EMOJI),
    turned: await mint('to be turned'),
    revoked: await mint('revoked'),
    disabled: await mint('disabled'),
    idle: await mint('idle', { expiresIn: 9 * 86_400 }),
    expired: await mint('expired'),
    exhausted: await mint('exhausted', { remaining: 1 }),
    nameless: await server.call('api-key/create', { userId: owner.id }),
    rotating: await mint('rotating'),
    team: await server.call('api-key/create', { configId: 'team', organizationId: 'acme', name: `team 🦊` }),
  };
  for (let use = 0; use < 3; use += 1) await server.call('api-key/verify', { key: keys.used.key });
  await server.call('api-key/verify', { key: keys.exhausted.key });
  await server.call('api-key/revoke', { id: keys.revoked.id });
  await server.call('api-key/rotate', { keyId: keys.rotating.id });
  await server.call('api-key/update', { keyId: keys.disabled.id, enabled: false });
  changeKey(server, keys.turned.id, { name: TURNED });
  const longAgo = new Date(Date.now() - 100 * DAY_IN_MS).toISOString();
  changeKey(server, keys.idle.id, { createdAt: longAgo, lastRequest: longAgo });
  changeKey(server, keys.expired.id, { expiresAt: new Date(Date.now() - DAY_IN_MS).toISOString() });
  addUses(server, keys.used.id, [1, 2, 3, 5, 6, 9, 20, 60].map((days) => [days, 100 * days + 7, days * 3]));
  addUses(server, keys.emoji.id, [[2, 1_234_567]]);
  const cora = await signUp(server, 'Cora', 'cora@example.com');
  crowd(server, cora, keys.used.id);
  await server.call('api-key/create', { userId: 'tenant-7', name: 'of a tenant' });
  for (const name of ['<b>unused</b> 1', '<b>unused</b> 2']) {
    const { id } = await server.call('api-key/create', { userId: 'tenant-8', name });
    changeKey(server, id, { createdAt: longAgo });
  }
  const webhook = await server.call('webhooks/create', { url: 'https://hooks.invalid/<b>', kinds: ['keymint.key.*'], ownerId: owner.id });
  await server.command('server-key', 'create', '--name', `Shop ${EMOJI.slice(0, 4)}`);
  const serverKey = server.rows((rows) => rows.prepare('select "id" from "keymint_server_key"').get().id);
  const ids = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, key.id]));
  Object.assign(ids, { olive: owner.id, webhook: webhook.id, serverKey, finding: 'never_expires', reset: await resetOf(server, cora) });
  Object.assign(ids, { link: await lastingLink(server, owner), banned: banned.id, tenant: 'tenant-7' });
  return { owner, operator, member, newcomer, late, cora, keys, ids };
}
