import { scenario } from '../differential/scenario.mjs';

const several = (...rest) => scenario('several', ...rest);
const undefaulted = (...rest) => scenario('undefaulted', ...rest);

/** An organization, a user who has this role there or is no member, and a key that the owner had made. */
async function team(world, role) {
  const [owner, user] = [world.user(), world.user()];
  const members = role === undefined ? [] : [[user, role]];
  const organizationId = world.organization([owner, 'owner'], ...members);
  const key = await world.key({ configId: 'team', organizationId, userId: owner.id });
  return { user, organizationId, key };
}

const ACTIONS = {
  create: (world, { user, organizationId }) =>
    world.post('/api-key/create', { configId: 'team', organizationId, name: 'ours' }, { as: user }),
  get: (world, { user, key }) => world.get(`/api-key/get?id=${key.id}&configId=team`, { as: user }),
  list: (world, { user, organizationId }) => world.get(`/api-key/list?organizationId=${organizationId}`, { as: user }),
  update: (world, { user, key }) =>
    world.post('/api-key/update', { keyId: key.id, configId: 'team', name: 'after' }, { as: user }),
  delete: (world, { user, key }) => world.post('/api-key/delete', { keyId: key.id, configId: 'team' }, { as: user }),
};

const LACKING = '403 INSUFFICIENT_API_KEY_PERMISSIONS';
const STRANGE = '403 USER_NOT_MEMBER_OF_ORGANIZATION';

/** What each role of the profile comes to, and what one that nobody configured. */
const OUTCOMES = [
  ['owner', { create: '200', get: '200', list: '200', update: '200', delete: '200' }],
  ['admin', { create: '200', get: '200', list: '200', update: '200', delete: '200' }],
  ['member', { create: LACKING, get: '200', list: '200', update: LACKING, delete: LACKING }],
  ['editor', { create: '200', get: LACKING, list: LACKING, update: '200', delete: LACKING }],
  ['visitor', { create: LACKING, get: LACKING, list: LACKING, update: LACKING, delete: LACKING }],
  ['member,editor', { create: '200', get: '200', list: '200', update: '200', delete: LACKING }],
  ['unknown', { create: LACKING, get: LACKING, list: LACKING, update: LACKING, delete: LACKING }],
  [undefined, { create: STRANGE, get: STRANGE, list: STRANGE, update: STRANGE, delete: STRANGE }],
];

const byRole = OUTCOMES.flatMap(([role, outcomes]) =>
  Object.entries(outcomes).map(([action, outcome]) => {
    const who = role === undefined ? 'a user who is no member' : `a member with the role ${role}`;
    return several(`${who} asks an organization for ${action}`, outcome, async (world) => {
      await ACTIONS[action](world, await team(world, role));
    });
  }),
);

export default [
  ...byRole,
  several("an organization's key is made for an organization", '400 ORGANIZATION_ID_REQUIRED', (world) =>
    world.post('/api-key/create', { configId: 'team' }, { as: world.user() }),
  ),
  several('the organization is asked for before the session', '400 ORGANIZATION_ID_REQUIRED', (world) =>
    world.post('/api-key/create', { configId: 'team' }),
  ),
  several("nobody makes an organization's key", '401 UNAUTHORIZED_SESSION', async (world) => {
    const { organizationId } = await team(world);
    await world.post('/api-key/create', { configId: 'team', organizationId });
  }),
  several('an organization that nobody has', '403 USER_NOT_MEMBER_OF_ORGANIZATION', (world) =>
    world.post('/api-key/create', { configId: 'team', organizationId: 'nobody' }, { as: world.user() }),
  ),
  several('membership is looked at before the metadata', '403 USER_NOT_MEMBER_OF_ORGANIZATION', (world) =>
    world.post('/api-key/create', { configId: 'team', organizationId: 'nobody', metadata: 5 }, { as: world.user() }),
  ),
  several("an organization's key verifies", 'valid', async (world) => {
    const { key } = await team(world);
    await world.verify(key, { configId: 'team' });
  }),
  several("an organization's key is written as a row", 'row', async (world) => {
    const { key } = await team(world);
    world.row('apikey', key.id);
  }),
  several("an organization's key is not in the list of its maker", '200', async (world) => {
    const owner = world.user();
    const organizationId = world.organization([owner, 'owner']);
    await world.post('/api-key/create', { configId: 'team', organizationId }, { as: owner });
    await world.get('/api-key/list', { as: owner });
  }),
  several("an organization's key is not got without its configuration", '404 KEY_NOT_FOUND', async (world) => {
    const { user, key } = await team(world, 'admin');
    await world.get(`/api-key/get?id=${key.id}`, { as: user });
  }),
  several('a key that an organization does not have is not found', '404 KEY_NOT_FOUND', async (world) => {
    const { user } = await team(world, 'admin');
    await world.get('/api-key/get?id=nobody&configId=team', { as: user });
  }),
  several("an organization's list under a users' configuration is empty", '200', async (world) => {
    const { user, organizationId } = await team(world, 'admin');
    await world.get(`/api-key/list?organizationId=${organizationId}&configId=default`, { as: user });
  }),
  several('a session tells of the active organization', '200', (world) =>
    world.get('/get-session', { as: world.user() }),
  ),
  several('a session tells which organization is active', '200', async (world) => {
    const organizationId = world.organization();
    await world.get('/get-session', { as: world.user({ activeOrganizationId: organizationId }) });
  }),
  undefaulted('the creator may do everything where no roles are configured', '200', async (world) => {
    await ACTIONS.create(world, await team(world, 'owner'));
  }),
  undefaulted('an administrator may do nothing where no roles are configured', LACKING, async (world) => {
    await ACTIONS.get(world, await team(world, 'admin'));
  }),
  undefaulted('a member may do nothing where no roles are configured', LACKING, async (world) => {
    await ACTIONS.list(world, await team(world, 'member'));
  }),
];
