// A person at one of two servers that share a database, by HTTP.
import assert from 'node:assert/strict';
import { BASE_PATH } from '../settings.mjs';
import { send } from '../targets/http.mjs';

const PASSWORD = 'correct horse';
let people = 0;

/** Signs somebody new up at a server. */
export async function signUp(target) {
  people += 1;
  const email = `person${people}@example.com`;
  const answer = await request(target, 'POST', '/sign-up/email', {
    body: { name: 'Grace', email, password: PASSWORD },
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return { email, id: answer.body.user.id, cookie: cookieOf(answer) };
}

/** Signs a person in at a server, and returns the person with the new cookie. */
export async function signIn(target, person) {
  const body = { email: person.email, password: PASSWORD };
  const answer = await request(target, 'POST', '/sign-in/email', { body });
  assert.equal(answer.status, 200, `${target.name}: ${JSON.stringify(answer.body)}`);
  return { ...person, cookie: cookieOf(answer) };
}

/** Asks as a person, and wants success. */
export async function ask(target, person, method, path, body) {
  const answer = await request(target, method, path, { body, cookie: person.cookie });
  assert.equal(answer.status, 200, `${target.name} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** The user whom a server sees behind a person's cookie, if any. */
export async function sessionUser(target, person) {
  return (await ask(target, person, 'GET', '/get-session'))?.user.id;
}

function request(target, method, path, { body, cookie }) {
  const text = body && JSON.stringify(body);
  const headers = {
    ...(cookie && { cookie, origin: target.origin }),
    ...(text && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  };
  return send(`${target.address}${BASE_PATH}${path}`, { method, headers, body: text });
}

function cookieOf(answer) {
  return answer.cookies[0].split(';')[0];
}
