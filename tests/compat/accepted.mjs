// Every difference from Better Auth that is accepted: why, in which scenarios, and what both sides answer there. The
// places are steps of the scenario, counted from 1, with the path in the answer: `[place, reference, Keymint]`. A
// difference that changes, or is no longer there, fails the run as one that is not listed here does.
import { ABSENT, ROW } from './differential/compare.mjs';
import { each, granted, refused, told } from './differential/notation.mjs';

const FAILURE = ['INTERNAL_SERVER_ERROR', 'Internal server error'];
const UNAUTHORIZED = [['1.status', 404, 401], ...told('UNAUTHORIZED', 'Unauthorized')];
const JSON_TYPE = [['1.type', ABSENT, 'application/json']];
const BANNED = { code: 'USER_BANNED', message: 'User is banned' };
const ADDRESS_OF_ROW = [['2.row.ipAddress', '', '127.0.0.1']];
const ADDRESS = ['1.body.session.ipAddress', null, '127.0.0.1'];
const LIFETIME = ['1.body.session.expiresAt', '<now + 10 minutes>', '<now + 10080 minutes>'];
const CLEARED = 'Max-Age=0; Path=/; HttpOnly; SameSite=Lax';
const SORTABLE =
  'id configId name start referenceId prefix refillInterval refillAmount lastRefillAt enabled rateLimitEnabled ' +
  'rateLimitTimeWindow rateLimitMax requestCount remaining lastRequest expiresAt createdAt updatedAt';
const SORTABLE_LIST = SORTABLE.replace(/\w+/g, '"$&"').replaceAll(' ', '|');

const SWITCHES = (path) => [
  [`1.${path}enabled`, null, true],
  [`1.${path}rateLimitEnabled`, null, true],
];
const LAST_REQUEST = ['1.body.key.lastRequest', null, '<now>'];
const missing = (permissions) => [['1.body.error.details', ABSENT, { missing: permissions }]];
const EMPTY = 'Invalid string: must have 1 or more characters';
const noId = (member) => [
  ['1.status', 404, 400],
  ['1.body.code', 'KEY_NOT_FOUND', 'VALIDATION_ERROR'],
  ['1.body.message', 'API Key not found', `[${member}] ${EMPTY}`],
];

export const ACCEPTED = [
  {
    reason: 'Every error has a body with code and message: clients read one form.',
    scenarios: {
      ...each(told('NOT_FOUND', 'Not found'), [
        'an unknown path is not found',
        'a path with a slash at its end is not found',
        'a path with two slashes is not found',
        'a wrong method is not found',
        'another wrong method is not found',
        'sign-in by GET is not found',
        'an unknown path is not found with a key either',
      ]),
      ...each(JSON_TYPE, ['the head of a list is not found', 'the head of a session is not found']),
      'metadata that cannot be read': [...told(...FAILURE), ...told(...FAILURE, 2)],
      'a callback that is no text is refused': [['1.body.code', ABSENT, 'BAD_REQUEST']],
      ...each([['1.body.code', ABSENT, 'NO_FIELDS_TO_UPDATE']], [
        'update-user of nothing is refused',
        'update-user of what is unknown is refused',
      ]),
    },
  },
  {
    reason: 'A path is unescaped before it is compared with routes, as the standard has it.',
    scenarios: { 'an escaped path is not found': UNAUTHORIZED },
  },
  {
    reason: 'Verification and the removal of expired keys answer over HTTP, to a server key.',
    scenarios: each(UNAUTHORIZED, [
      'nobody verifies over HTTP',
      'a user does not verify over HTTP',
      'nobody deletes all expired keys over HTTP',
      'a user does not delete all expired keys over HTTP',
    ]),
  },
  {
    reason: 'A body without a media type is refused. Better Auth does so too, but never sees the body under node:http.',
    scenarios: {
      'a body without a media type is no body': [
        ['1.status', 400, 415],
        ['1.body.code', 'VALIDATION_ERROR', 'UNSUPPORTED_MEDIA_TYPE'],
        [
          '1.body.message',
          '[body] Invalid input: expected object, received undefined',
          'Content-Type is required. Allowed types: application/json',
        ],
      ],
    },
  },
  {
    reason: 'Numbers beyond a double and halves of characters are no JSON that a client means.',
    scenarios: {
      'a number beyond all numbers is refused': [
        ['1.body.code', 'VALIDATION_ERROR', 'BAD_REQUEST'],
        [
          '1.body.message',
          '[body.expiresIn] Invalid input: expected number, received Infinity',
          'Invalid JSON in request body',
        ],
      ],
      'half a character is taken': refused(400, 'BAD_REQUEST', 'Invalid JSON in request body'),
    },
  },
  {
    reason:
      'A session has the address of the connection. Better Auth has none without a proxy, and believes any proxy.',
    scenarios: {
      ...each(ADDRESS_OF_ROW, [
        'sign-up writes the session as a row',
        'sign-in writes the session as a row',
        'sign-in without remembering makes a session of a day',
      ]),
      'the session of a key with a life': [ADDRESS],
    },
  },
  {
    reason: "A key's session lives as long as the key or as a session. Better Auth takes its seconds for milliseconds.",
    scenarios: each(
      [LIFETIME, ADDRESS],
      [
        'a key stands for the session of its owner',
        'the session of a key names the browser',
        'a key in the other header counts too',
        'a key goes before a cookie',
        'of two headers the first counts',
        'get-session by POST is answered to a key',
        'a key of the configuration with sessions stands for one',
      ],
    ),
  },
  {
    reason: 'The session of a key manages no keys, unless the configuration allows it.',
    scenarios: each(
      refused(
        403,
        'KEY_MANAGEMENT_NOT_ALLOWED',
        'The session of an API key may not create, change or remove API keys.',
      ),
      ['a key creates a key', 'a key updates a key', 'a key deletes a key'],
    ),
  },
  {
    reason: 'The length of a key that exists is no matter.',
    scenarios: {
      'a key that is too short for the header, and was made all the same': granted(
        403,
        'INVALID_API_KEY',
        'Invalid API key.',
      ),
    },
  },
  {
    reason: "Of several configurations with one header, the key's own decides.",
    scenarios: {
      'of two configurations with one header the first decides': granted(401, 'INVALID_API_KEY', 'Invalid API key.'),
    },
  },
  {
    reason: 'A server key reaches the keys of every configuration: an id is enough to name one.',
    scenarios: {
      'a server updates a key of another configuration': granted(404, 'KEY_NOT_FOUND', 'API Key not found'),
    },
  },
  {
    reason: 'A bearer has no cookies that could be cleared.',
    scenarios: {
      'a bearer of nothing has no session': [
        ['1.cookies.0', `better-auth.session_token=; ${CLEARED}`, ABSENT],
        ['1.cookies.1', `better-auth.session_data=; ${CLEARED}`, ABSENT],
        ['1.cookies.2', `better-auth.dont_remember=; ${CLEARED}`, ABSENT],
      ],
    },
  },
  {
    reason: 'A ban counts everywhere.',
    scenarios: {
      ...each(refused(401, BANNED.code, BANNED.message), [
        'a banned user creates a key',
        'a banned user lists keys',
        'a key of a banned user stands for a session',
      ]),
      'a key of a banned user verifies': [
        ['1.body.error', null, BANNED],
        ['1.body.key', '(21 values)', null],
        ['1.body.valid', true, false],
      ],
      'a banned user is signed in still': [['1.body', '(20 values)', null]],
    },
  },
  {
    reason: "What other plugins add to a user is not Keymint's.",
    scenarios: {
      'a user whose ban is over signs in': [
        ['1.body.user.banExpires', '<now - 1 minutes>', ABSENT],
        ['1.body.user.banReason', null, ABSENT],
        ['1.body.user.banned', true, ABSENT],
        ['1.body.user.role', null, ABSENT],
      ],
    },
  },
  {
    reason: "A server's credential is right where it names no user: the request is wrong.",
    scenarios: {
      'a server must say for whom': [
        ['1.status', 401, 400],
        ['1.body.code', 'UNAUTHORIZED_SESSION', 'USER_ID_REQUIRED'],
        [
          '1.body.message',
          'Unauthorized or invalid session',
          "userId is required where a server creates a user's key.",
        ],
      ],
    },
  },
  {
    reason: 'A refusal says which permissions are missing.',
    scenarios: {
      ...each(missing({ files: ['read'] }), [
        'a key without permissions has none',
        'a missing permission costs nothing',
        'where stars are names a star grants no other resource',
      ]),
      'all permissions that are asked for are needed': missing({ files: ['write'] }),
      'permissions on all resources are needed': missing({ users: ['list'] }),
      'an empty request for permissions is refused': missing({}),
      'an empty list of actions is refused': missing({ files: [] }),
    },
  },
  {
    reason: 'A star stands for every resource or action, unless the configuration takes it for a name.',
    scenarios: each(
      [
        ['1.body.error', { code: 'KEY_NOT_FOUND', message: 'API Key not found' }, null],
        ['1.body.key', null, '(21 values)'],
        ['1.body.valid', false, true],
      ],
      ['a star grants no other resource', 'a star grants no other action'],
    ),
  },
  {
    reason: 'A bare list of actions is short for those of every resource.',
    scenarios: {
      'a bare list of permissions is refused': granted(
        400,
        'VALIDATION_ERROR',
        '[body.permissions] Invalid input: expected record, received array',
      ),
    },
  },
  {
    reason: 'Counts are whole numbers, and a limit of nothing means nothing.',
    scenarios: {
      'a limit of nothing': refused(
        400,
        'VALIDATION_ERROR',
        '[body.rateLimitMax] Too small: expected number to be >=1',
      ),
      'a quota with a half': refused(
        400,
        'VALIDATION_ERROR',
        '[body.remaining] Invalid input: expected int, received number',
      ),
    },
  },
  {
    reason: 'A refill means that there is a quota.',
    scenarios: { 'a refill without a quota': [['1.body.remaining', null, 10]] },
  },
  {
    reason: 'A refusal says when the refill comes.',
    scenarios: {
      'a refill that is not due does not fill': [['1.body.error.details', ABSENT, { tryAgainIn: 'about 60 minutes' }]],
      'the next refill counts from the last one': [
        ['1.body.error.details', ABSENT, { tryAgainIn: 'about 59 minutes' }],
      ],
    },
  },
  {
    reason: 'A refused call is free: quota and rate limit are taken together or not at all.',
    scenarios: { 'a call that is refused for the limit costs': [['1.row.remaining', 5, 7]] },
  },
  {
    reason: 'Dead keys are removed by a job, and not by requests.',
    scenarios: each(
      [['1.row', 'no row', ROW]],
      ['an expired key is removed when it is used', 'a key with none left is removed when it is used'],
    ),
  },
  {
    reason: 'A damaged key must not pass for a sound one.',
    scenarios: each(refused(500, ...FAILURE), ['permissions that cannot be read']),
  },
  {
    reason: 'What is NULL in a row is shown as what it means.',
    scenarios: {
      'a key whose row says nothing of being enabled verifies': SWITCHES('body.key.'),
      'members that are NULL in the row are shown as null': SWITCHES('body.'),
      'a key whose row names no configuration verifies under the default one': [
        ['1.body.key.configId', '', 'default'],
      ],
    },
  },
  {
    reason: 'A key that is not limited has its last request too, to the minute.',
    scenarios: {
      'a key whose row has no window is not limited': [LAST_REQUEST],
      'a limit without a number is none': [
        LAST_REQUEST,
        ['2.body.key.lastRequest', null, '<now>'],
        ['3.row.lastRequest', null, '<now>'],
      ],
    },
  },
  {
    reason: 'An empty text is no id, and the member is named.',
    scenarios: {
      'a get with an empty id finds nothing': noId('query.id'),
      'a key with an empty id is not updated': noId('body.keyId'),
      'a key with an empty id is not deleted': noId('body.keyId'),
    },
  },
  {
    reason: 'A member of a wrong type is one mistake, and told once.',
    scenarios: {
      'sign-up with a list in place of a password is refused': [
        [
          '1.body.message',
          '[body.password] Invalid input: expected string, received array; ' +
            '[body.password] Too small: expected array to have >=1 items',
          '[body.password] Invalid input: expected string, received array',
        ],
      ],
    },
  },
  {
    reason: 'Metadata that is a text is shown as that text.',
    scenarios: {
      'metadata in many writings': [
        ['7.body.metadata', null, 'text'],
        ['9.body.metadata', null, 'null'],
      ],
    },
  },
  {
    reason: 'An answer shows what was stored.',
    scenarios: { 'metadata that is an empty text is passed over': [['1.body.metadata', '', null]] },
  },
  {
    reason: "Texts in metadata are the owner's.",
    scenarios: {
      'a text in metadata that looks like an instant': [
        ['1.body.metadata.since', '2020-01-01T00:00:00.000Z', '2020-01-01T00:00:00Z'],
      ],
    },
  },
  {
    reason: 'A list counts all keys.',
    scenarios: { 'a list counts keys beyond the hundredth': [['1.body.total', 100, 102]] },
  },
  {
    reason: "An unknown member to sort by is the client's mistake.",
    scenarios: {
      'an unknown member to sort by is a failure': [
        ['1.status', 500, 400],
        ...told('VALIDATION_ERROR', `[query.sortBy] Invalid option: expected one of ${SORTABLE_LIST}`),
      ],
    },
  },
  {
    reason: 'An update sets the time of the update.',
    scenarios: {
      'a changed key tells when it was changed': [['1.body.updatedAt', '<now - 120 minutes>', '<now>']],
    },
  },
  {
    reason: 'No permissions are NULL in the row, whether they were cleared or never given. Both sides read both.',
    scenarios: { 'cleared permissions are written as a row': [['2.row.permissions', 'null', null]] },
  },
];
