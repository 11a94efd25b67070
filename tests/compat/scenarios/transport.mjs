import { scenario } from '../differential/scenario.mjs';

const plain = (...rest) => scenario('plain', ...rest);

/** Sends a text as the body of a create. */
function create(world, raw, type) {
  return world.ask('POST', '/api-key/create', { as: world.user(), raw, headers: { 'content-type': type } });
}

export default [
  plain('an unknown path is not found', '404', (world) => world.get('/api-key/nothing')),
  plain('a path with a slash at its end is not found', '404', (world) => world.get('/api-key/list/')),
  plain('a path with two slashes is not found', '404', (world) => world.get('//api-key/list')),
  plain('a wrong method is not found', '404', (world) => world.get('/api-key/create')),
  plain('another wrong method is not found', '404', (world) => world.ask('PUT', '/api-key/list', { body: {} })),
  plain('sign-in by GET is not found', '404', (world) => world.get('/sign-in/email')),
  plain('nobody verifies over HTTP', '404', (world) => world.post('/api-key/verify', { key: 'any' })),
  plain('a user does not verify over HTTP', '404', (world) =>
    world.post('/api-key/verify', { key: 'any' }, { as: world.user() }),
  ),
  plain('nobody deletes all expired keys over HTTP', '404', (world) =>
    world.post('/api-key/delete-all-expired-api-keys', {}),
  ),
  plain('a user does not delete all expired keys over HTTP', '404', (world) =>
    world.post('/api-key/delete-all-expired-api-keys', {}, { as: world.user() }),
  ),
  plain('the head of a list is not found', '404', (world) => world.ask('HEAD', '/api-key/list')),
  plain('the head of a session is not found', '404', (world) => world.ask('HEAD', '/get-session')),
  plain('an escaped path is not found', '404', (world) => world.get('/api-key/li%73t')),
  plain('a body of another media type is refused', '415 UNSUPPORTED_MEDIA_TYPE', (world) =>
    create(world, '<a/>', 'text/xml'),
  ),
  plain('a form is refused where JSON is asked for', '415 UNSUPPORTED_MEDIA_TYPE', (world) =>
    create(world, 'name=first', 'application/x-www-form-urlencoded'),
  ),
  plain('a body without a media type is no body', '400 VALIDATION_ERROR', (world) => create(world, '{}', null)),
  plain('a media type with a parameter is taken', '200', (world) =>
    create(world, '{}', 'application/json; charset=utf-8'),
  ),
  plain('a media type in capitals is taken', '200', (world) => create(world, '{}', 'Application/JSON')),
  plain('a media type that contains the name of JSON is taken', '200', (world) =>
    create(world, '{}', 'application/json-patch+json'),
  ),
  plain('another kind of JSON is refused', '415 UNSUPPORTED_MEDIA_TYPE', (world) =>
    create(world, '{}', 'application/vnd.api+json'),
  ),
  plain('JSON behind a byte order mark is read', '200', (world) =>
    create(world, '\ufeff{"name":"first"}', 'application/json'),
  ),
  plain('a body on GET is not looked at', '200', (world) =>
    world.ask('GET', '/api-key/list', { as: world.user(), raw: '{', headers: { 'content-type': 'application/json' } }),
  ),
  plain('a body on GET may be of any media type', '200', (world) =>
    world.ask('GET', '/api-key/list', { as: world.user(), raw: 'hello', headers: { 'content-type': 'text/plain' } }),
  ),
  plain('broken JSON is refused', '400 BAD_REQUEST', (world) => create(world, '{"name":', 'application/json')),
  plain('broken JSON is refused without a session too', '400 BAD_REQUEST', async (world) => {
    await world.ask('POST', '/api-key/create', { raw: '{', headers: { 'content-type': 'application/json' } });
  }),
  plain('a number beyond all numbers is refused', '400 VALIDATION_ERROR', (world) =>
    create(world, '{"expiresIn":1e400}', 'application/json'),
  ),
  plain('half a character is taken', '200', (world) => create(world, '{"name":"\\ud83d"}', 'application/json')),
  plain('JSON that is no object is refused', '400 VALIDATION_ERROR', (world) =>
    create(world, '[]', 'application/json'),
  ),
  plain('JSON null is refused', '400 VALIDATION_ERROR', (world) => create(world, 'null', 'application/json')),
  plain('an empty body is no body', '400 VALIDATION_ERROR', (world) => create(world, '', 'application/json')),
  plain('a malformed request is refused before its session is looked at', '400 VALIDATION_ERROR', async (world) => {
    await world.post('/api-key/create', { name: 1, prefix: 'a b', expiresIn: 0 });
  }),
];
