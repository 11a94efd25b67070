// The steps that deeds and their checks share.
import assert from 'node:assert/strict';

/** A deed of somebody new, who is signed in; `about` has what their browser is like. */
export function deed(name, about, run) {
  return {
    name,
    run: async (visit, world) => {
      const user = await world.somebody();
      const visitor = await visit({ user, ...about });
      await run(visitor, { world, user, visit });
    },
  };
}

export async function makeKey(page, name) {
  await page.goto('/console/keys/new');
  await page.getByLabel('Name').fill(name);
  await page.getByRole('button', { name: 'Make the key' }).click();
  return secretOf(page);
}

export async function secretOf(page) {
  return (await page.locator('#secret, #link').textContent()).trim();
}

/** A page that is left, and that Back may bring from memory, has nothing of its secret. */
export async function checkLeft(page) {
  const secret = await secretOf(page);
  assert.ok(secret.length > 20);
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
  assert.ok(!(await page.content()).includes(secret), `the secret stays at ${page.url()}`);
  await page.locator('[data-done] button').click();
  await page.locator('[data-secret-page]').waitFor({ state: 'detached' });
}

export async function mint(world, user, name) {
  return (await world.server.call('api-key/create', { userId: user.id, name })).id;
}

/** The keys of a user, as the API has them. */
export async function keysOf({ server }, user) {
  const answer = await fetch(`${server.origin}/api/auth/api-key/list`, { headers: { cookie: user.cookie } });
  if (answer.ok) return (await answer.json()).apiKeys;
  // The session of the cookie may have ended.
  return server.rows((rows) =>
    rows.prepare('select "name" from "apikey" where "referenceId" = ? order by "createdAt"').all(user.id),
  );
}

export async function validity({ server }, secrets) {
  const answers = await Promise.all(secrets.map((key) => server.call('api-key/verify', { key })));
  return answers.map(({ valid }) => valid);
}

export async function endSessions({ server }, user) {
  server.rows((rows) => rows.prepare('delete from "session" where "userId" = ?').run(user.id));
}

export async function signIn(page, user) {
  await page.waitForURL(/\/console\/sign-in\?then=/);
  await page.getByLabel('E-mail address').fill(user.email);
  await page.getByLabel('Password').fill(user.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Signs somebody in beside the browser, and returns the cookie of that session. */
export async function anotherSession({ server }, { email, password }) {
  return (await server.call('sign-in/email', { email, password })).cookies[0].split(';')[0];
}

/** Which of these cookies are those of living sessions. */
export async function living({ server }, ...cookies) {
  const ask = async (cookie) => (await fetch(`${server.origin}/api/auth/get-session`, { headers: { cookie } })).json();
  return (await Promise.all(cookies.map(ask))).map((session) => session !== null);
}

export async function focused(page) {
  return page.evaluate(() => document.activeElement.id);
}

/** Presses Tab until a link or a button with this text has the focus. */
export async function tabTo(page, text) {
  for (let step = 0; step < 80; step += 1) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate(() => document.activeElement.textContent.trim())) === text) return;
  }
  assert.fail(`Tab does not reach "${text}"`);
}

export async function answerTo(page, act) {
  const [answer] = await Promise.all([page.waitForResponse((found) => found.request().isNavigationRequest()), act()]);
  return answer;
}

/** Waits until the page is at an address, and says which one it waits for. */
export async function arrive(page, address) {
  await page.waitForURL(address).catch((error) => {
    throw new Error(`not at ${address}, but at ${page.url()}: ${error.message}`);
  });
}

export async function until(holds, text) {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `not so: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function checkBack(page, secret) {
  await page.goBack().catch((error) => {
    // Chromium asks before it sends a form again, which is an error of its own.
    if (!/ERR_CACHE_MISS/.test(error.message)) throw error;
  });
  // A page that Back brings from memory replaces itself.
  const shown = async () => (await page.content().catch(() => undefined)) ?? shown();
  assert.ok(!(await shown()).includes(secret), `Back shows the secret again at ${page.url()}`);
  await page.waitForLoadState();
  assert.ok(!(await shown()).includes(secret), `Back shows the secret again at ${page.url()}`);
}

/** The secret is in no address, no history, no storage and no log. */
export async function checkSecret(visitor, secret) {
  const has = (text) => [secret, encodeURIComponent(secret), btoa(secret)].some((form) => text.includes(form));
  assert.ok(!visitor.addresses.some(has), 'the secret is in an address');
  for (const page of visitor.tabs) {
    const devtools = await visitor.context.newCDPSession(page);
    const { entries } = await devtools.send('Page.getNavigationHistory');
    assert.ok(!entries.some(({ url, title }) => has(url) || has(title)), 'the secret is in the history');
    if (!page.url().startsWith(visitor.server.origin)) continue;
    const stored = await page.evaluate(async () =>
      JSON.stringify([
        { ...localStorage },
        { ...sessionStorage },
        history.state,
        document.cookie,
        await caches.keys(),
        await indexedDB.databases(),
      ]),
    );
    assert.ok(!has(stored), `the secret is stored: ${stored.length} bytes`);
  }
  assert.ok(!has(JSON.stringify(await visitor.context.cookies())), 'the secret is in a cookie');
  assert.ok(!has(visitor.server.said()), 'the secret is in the log of the server');
}

/** Returns the fields of a form as the browser would send them. */
export async function fieldsOf(form) {
  return form.evaluate((found) => Object.fromEntries(new FormData(found)));
}
