// What a scenario may do: people and keys to begin with, requests that are compared, rows that are edited.
import { BASE_PATH, DAY_IN_MS } from '../settings.mjs';
import { send } from '../targets/http.mjs';
import { sign } from './placeholders.mjs';

export const SESSION_COOKIE = 'better-auth.session_token';

export class World {
  constructor(target, transcript, number) {
    this.target = target;
    this.transcript = transcript;
    this.number = number;
    this.made = 0;
    this.origin = target.origin;
  }

  // -- what there is before the first request; none of it is compared

  /** A text that no other scenario has, and that is the same on both sides. */
  unique(word) {
    this.made += 1;
    return `${word}-${this.number}-${this.made}`;
  }

  /** An id as both sides make them. */
  newId(word) {
    return this.unique(word).replaceAll('-', 'x').padEnd(32, '0');
  }

  /** A user with a session of an hour ago, as rows. */
  user(session = {}) {
    const now = this.at(0);
    const id = this.newId('user');
    const email = `${this.unique('ada')}@example.com`;
    const dates = { createdAt: now, updatedAt: now };
    this.target.rows.insert('user', { id, name: 'Ada', email, emailVerified: 0, ...dates });
    const user = { id, email, sessionId: this.newId('session'), token: this.newId('token') };
    this.target.rows.insert('session', {
      id: user.sessionId,
      token: user.token,
      userId: id,
      expiresAt: this.at(7 * DAY_IN_MS - 3_600_000),
      createdAt: this.at(-3_600_000),
      updatedAt: this.at(-3_600_000),
      ipAddress: '',
      userAgent: '',
      ...session,
    });
    return { ...user, cookie: this.cookie(user.token) };
  }

  /** An organization with members: `[[user, role], ...]`. */
  organization(...members) {
    const id = this.newId('organization');
    this.target.rows.insert('organization', { id, name: 'Team', slug: this.unique('team'), createdAt: this.at(0) });
    for (const [user, role] of members) {
      const row = { id: this.newId('member'), organizationId: id, userId: user.id, role, createdAt: this.at(0) };
      this.target.rows.insert('member', row);
    }
    return id;
  }

  /** A key made by the server, of `userId` or `organizationId`. */
  async key(body) {
    const response = await this.target.call('create', body);
    if (response.status !== 200) throw new Error(`no key could be made: ${JSON.stringify(response)}`);
    this.transcript.learn(response.body);
    return response.body;
  }

  /** Goes where the key goes, and forgets the answer. */
  async use(key, times = 1) {
    for (let time = 0; time < times; time += 1) await this.target.call('verify', { key: key.key });
  }

  cookie(token, signature = sign(token)) {
    return `${SESSION_COOKIE}=${encodeURIComponent(`${token}.${signature}`)}`;
  }

  // -- time

  /** The instant that lies so many milliseconds from now, as both sides store it. */
  at(distance) {
    return new Date(Date.now() + distance).toISOString();
  }

  change(table, id, columns) {
    this.target.rows.change(table, id, columns);
  }

  // -- what is compared

  /** Sends a request. `as` is a user, whose browser sends a cookie and the server's own origin. */
  async ask(method, path, { as, headers = {}, body, raw } = {}) {
    const all = { ...(as && { cookie: as.cookie, origin: this.origin }), ...headers };
    const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    if (text !== undefined && !('content-type' in all)) all['content-type'] = 'application/json';
    if (text !== undefined) all['content-length'] = Buffer.byteLength(text);
    // A header that is null is left out.
    const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    const response = await send(`${this.target.address}${BASE_PATH}${path}`, { method, headers: sent, body: text });
    this.transcript.answer(response);
    return response.body;
  }

  get(path, options) {
    return this.ask('GET', path, options);
  }

  post(path, body, options) {
    return this.ask('POST', path, { body, ...options });
  }

  /** A call that only a server can make: in the process there, with the server key here. */
  async server(endpoint, body) {
    const response = await this.target.call(endpoint, body);
    this.transcript.answer(response);
    return response.body;
  }

  verify(key, more = {}) {
    return this.server('verify', { key: key.key, ...more });
  }

  /** Looks at a row. */
  row(table, id, column = 'id') {
    const row = this.target.rows.find(table, column, id);
    this.transcript.row(row);
    return row;
  }
}
