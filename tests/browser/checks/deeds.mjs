// What people do on the pages, by mouse, by keyboard, without scripts, twice at once, and too late.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { CERTIFICATE, startServer } from '../world/server.mjs';
import { EMOJI, MARKUP, makeOperator, portalLink, signUp } from '../world/people.mjs';
import { PHONE, visitBlocking } from '../browser.mjs';
import { MEMBERS } from './deeds/members.mjs';
import { PEOPLE } from './deeds/people.mjs';
import { RECORDS } from './deeds/records.mjs';
import {
  answerTo, arrive, checkBack, checkLeft, checkSecret, deed, endSessions, fieldsOf, focused, keysOf, makeKey, mint, secretOf, signIn, tabTo, until, validity,
} from './steps.mjs';

export function cases(world) {
  return [...DEEDS, ...MEMBERS, ...PEOPLE, ...RECORDS].map(({ name, run }) => ({ name, run: (visit) => run(visit, world) }));
}

const DEEDS = [
  deed('a key is made in three clicks, and its secret is nowhere afterwards', {}, async (visitor, { world, user }) => {
    const { page } = visitor;
    await page.goto('/console/keys');
    await page.getByRole('link', { name: 'New key', exact: true }).or(page.getByRole('link', { name: 'Make the first key' })).first().click();
    await page.getByLabel('Name').fill(MARKUP);
    await page.getByRole('button', { name: 'Make the key' }).click();
    const secret = await secretOf(page);
    const { valid } = await world.server.call('api-key/verify', { key: secret });
    assert.equal(valid, true, 'the secret works');
    await page.getByRole('button', { name: 'I have saved it' }).click();
    await page.getByRole('heading', { level: 1, name: MARKUP }).waitFor();
    await page.getByText('Last used').waitFor();
    assert.ok(!(await page.content()).includes(secret), 'the page of the key shows no secret');
    assert.equal((await keysOf(world, user)).length, 1);
    await checkSecret(visitor, secret);
  }),

  deed('Back does not show a secret again', {}, async (visitor) => {
    const { page } = visitor;
    const secret = await makeKey(page, 'once');
    await page.getByRole('button', { name: 'I have saved it' }).click();
    await page.waitForURL(/\/console\/keys\/(?!new$)[^/]+$/);
    await checkBack(page, secret);
    await page.goForward();
    await page.goto('/console/keys');
    await checkBack(page, secret);
  }),

  deed('a page that is left has no secret any more, wherever it was', {}, async ({ page }, { world, user, visit }) => {
    await makeKey(page, 'left');
    await checkLeft(page);
    makeOperator(world.server, user);
    await page.goto('/console/server-keys');
    await page.getByLabel('Name').fill('left');
    await page.getByRole('button', { name: 'Make the key' }).click();
    await checkLeft(page);
    const operator = await visit({ user: world.people.operator });
    await operator.page.goto(`/console/users/${user.id}`);
    await operator.page.getByRole('button', { name: 'Make a link' }).click();
    operator.dialogs.push('dismiss');
    await operator.page.getByRole('link', { name: 'Keymint' }).click();
    await until(() => operator.dialogs.length === 0, 'the page with a link warns');
    await checkLeft(operator.page);
  }),

  deed('leaving a secret warns, and staying keeps it', {}, async (visitor) => {
    const { page } = visitor;
    const secret = await makeKey(page, 'kept');
    visitor.dialogs.push('dismiss');
    await page.getByRole('link', { name: 'Keymint' }).click();
    await until(() => visitor.dialogs.length === 0, 'the page warns');
    assert.equal(await secretOf(page), secret, 'whoever stays still sees it');
    visitor.dialogs.push('accept');
    await page.getByRole('link', { name: 'Keymint' }).click();
    await page.waitForURL(/\/console\/keys$/);
    assert.equal(visitor.dialogs.length, 0, 'the page warns again');
    await checkSecret(visitor, secret);
  }),

  deed('a secret and its command are copied, and its file is downloaded', {}, async ({ page }) => {
    const secret = await makeKey(page, 'copied');
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole('button', { name: 'Copy', exact: true }).first().click();
    await page.getByText('The secret is copied.').waitFor();
    assert.equal(await copied(), secret, 'the secret is on the clipboard');
    await page.getByRole('button', { name: 'Copy', exact: true }).nth(1).click();
    await page.getByText('The command is copied.').waitFor();
    assert.match(await copied(), /^curl http:\/\/127\.0\.0\.1:\d+\/api\/auth\/api-key\/verify/);
    assert.ok((await copied()).includes(secret));
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download .env' }).click(),
    ]);
    assert.match(download.suggestedFilename(), /\.env$/);
    assert.equal(await readFile(await download.path(), 'utf8'), `API_KEY=${secret}\n`);
    await page.getByRole('button', { name: 'I have saved it' }).click();
    await page.waitForURL(/\/console\/keys\/(?!new$)[^/]+$/);
  }),

  deed('a double click makes one key', {}, async ({ page }, { world, user }) => {
    await page.goto('/console/keys/new');
    await page.getByLabel('Name').fill('double');
    await page.getByRole('button', { name: 'Make the key' }).dblclick();
    await secretOf(page);
    assert.deepEqual((await keysOf(world, user)).map((key) => key.name), ['double'], 'one key is made');
  }),

  deed('a form that was stopped on its way can be sent again', {}, async ({ page }, { world, user }) => {
    await page.clock.install();
    await page.goto('/console/keys/new');
    await page.getByLabel('Name').fill('stopped');
    const button = page.getByRole('button', { name: 'Make the key' });
    let arrived = 0;
    // The browser stays where it is, as after Escape.
    await page.route('**/console/keys/new', (route) => ((arrived += 1) > 1 ? route.continue() : route.abort('aborted')));
    await button.click();
    await until(() => arrived === 1, 'the form was on its way');
    await button.click();
    await page.clock.fastForward(4000);
    assert.equal(arrived, 1, 'a second press at once sends nothing');
    await page.clock.fastForward(2000);
    await button.click();
    await secretOf(page);
    assert.deepEqual((await keysOf(world, user)).map((key) => key.name), ['stopped']);
  }),

  deed('a form that is sent twice without scripts makes one key', { scripts: false }, async (visitor, { world, user }) => {
    const { page, context } = visitor;
    await page.goto('/console/keys/new');
    await page.getByLabel('Name').fill('double');
    const form = await fieldsOf(page.locator('form[action="/console/keys/new"]'));
    const headers = { origin: world.server.origin };
    const send = () => context.request.post('/console/keys/new', { form, headers, maxRedirects: 0 });
    const statuses = (await Promise.all([send(), send(), send()])).map((answer) => answer.status());
    assert.deepEqual(statuses.sort(), [200, 303, 303]);
    await page.getByRole('button', { name: 'Make the key' }).click();
    await page.getByText('The form was sent before').waitFor();
    assert.deepEqual((await keysOf(world, user)).map((key) => key.name), ['double']);
  }),

  {
    name: 'everything is done by the keyboard alone',
    run: async (visit, world) => {
      const user = await world.somebody('Kim');
      const visitor = await visit();
      const { page } = visitor;
      await page.goto('/console/keys');
      assert.equal(await focused(page), 'email', 'the first field has the focus');
      await page.keyboard.type(user.email);
      await page.keyboard.press('Tab');
      await page.keyboard.type(user.password);
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/console\/keys$/);
      await page.keyboard.press('Tab');
      assert.match(await page.evaluate(() => document.activeElement.textContent), /Skip to the content/);
      await page.keyboard.press('Enter');
      await tabTo(page, 'New key');
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/console\/keys\/new/);
      assert.equal(await focused(page), 'name');
      await page.keyboard.type('by keys');
      await page.keyboard.press('Enter');
      const secret = await secretOf(page);
      await tabTo(page, 'Copy');
      await page.keyboard.press('Space');
      await page.getByText('The secret is copied.').waitFor();
      await tabTo(page, 'I have saved it');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'by keys' }).waitFor();
      await tabTo(page, 'Revoke');
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/revoke$/);
      await tabTo(page, 'Revoke the key');
      await page.keyboard.press('Enter');
      await page.getByText('The key is revoked.').waitFor();
      await page.goto('/console/keys');
      await page.keyboard.press('/');
      assert.equal(await focused(page), 'q', 'the slash leads to the search');
      await page.keyboard.type('nothing');
      await page.getByRole('heading', { name: 'No key matches' }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'by keys' }).waitFor();
      assert.equal(await page.locator('#q').inputValue(), '', 'Escape empties the search');
      await tabTo(page, 'Sign out');
      await page.keyboard.press('Enter');
      await page.getByText('You are signed out.').waitFor();
      await checkSecret(visitor, secret);
    },
  },

  {
    name: 'everything works without scripts',
    run: async (visit, world) => {
      const visitor = await visit({ scripts: false, size: PHONE });
      const { page } = visitor;
      visitor.allow(422);
      await page.goto('/console/sign-up');
      await page.getByLabel('Name').fill('Nora 🦊');
      await page.getByLabel('E-mail address').fill('nora@example.com');
      await page.getByLabel('Password').fill('short');
      await page.getByRole('button', { name: 'Make the account' }).click();
      await page.locator('#password-problem').getByText('Choose 8 characters or more.').waitFor();
      await page.getByLabel('Password').fill('correct horse');
      await page.getByRole('button', { name: 'Make the account' }).click();
      await page.getByText('No keys yet').waitFor();
      await page.getByRole('link', { name: 'Make the first key' }).click();
      await page.getByLabel('Name').fill('first');
      await page.getByRole('radio', { name: 'After 30 days' }).check();
      await page.getByRole('checkbox', { name: /^read/ }).check();
      await page.getByRole('button', { name: 'Make the key' }).click();
      const first = await secretOf(page);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByText('files:read').waitFor();
      await page.getByRole('link', { name: 'Edit' }).click();
      await page.getByLabel('Name').fill('renamed');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('The changes are saved.').waitFor();
      await page.getByRole('link', { name: 'Test' }).click();
      await page.getByRole('button', { name: 'Test' }).click();
      await page.getByText('Every rule, in order').waitFor();
      await page.getByRole('link', { name: 'Back to the key' }).click();
      await page.getByRole('link', { name: 'Rotate' }).click();
      await page.getByRole('radio').first().check();
      await page.getByRole('button', { name: 'Make a new secret' }).click();
      const second = await secretOf(page);
      assert.notEqual(first, second);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByRole('link', { name: 'Rotate' }).click();
      await page.getByRole('button', { name: /^Cancel: / }).click();
      await page.getByText('The new secret has ended.').waitFor();
      assert.deepEqual(await validity(world, [first, second]), [true, false]);
      await page.getByRole('link', { name: 'Delete' }).click();
      await page.getByRole('button', { name: 'Delete the key' }).click();
      await page.getByText('The key is deleted.').waitFor();
      assert.deepEqual(await validity(world, [first]), [false]);
      await page.getByRole('button', { name: 'Undo' }).click();
      await page.getByText('The key is back').waitFor();
      assert.deepEqual(await validity(world, [first]), [true]);
      await page.goto('/console/keys');
      await page.getByLabel('Search').fill('ren');
      await page.getByRole('button', { name: 'Search' }).click();
      await page.getByRole('link', { name: 'renamed' }).click();
      await page.getByRole('link', { name: 'Revoke' }).click();
      await page.getByRole('button', { name: 'Revoke the key' }).click();
      await page.getByText('The key is revoked.').waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('You are signed out.').waitFor();
      for (const secret of [first, second]) await checkSecret(visitor, secret);
    },
  },

  {
    name: 'an operator makes, limits, finds and ends the key of somebody else',
    run: async (visit, world) => {
      const user = await world.somebody();
      const visitor = await visit({ user: world.people.operator });
      const { page } = visitor;
      await page.goto('/console/keys/new');
      await page.getByLabel('Name').fill('of another');
      await page.getByLabel('Owner').fill(user.id);
      await page.getByRole('radio', { name: 'Its own:' }).check();
      await page.getByLabel('Calls', { exact: true }).fill('2');
      await page.getByLabel('Length of the window').fill('1');
      await page.getByLabel('Quota', { exact: false }).first().fill('10');
      await page.getByLabel('May be used from').fill('203.0.113.7');
      await page.getByRole('button', { name: 'Make the key' }).click();
      await secretOf(page);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByText('203.0.113.7').waitFor();
      await page.goto('/console/keys');
      await page.getByLabel('Owner').fill(user.id);
      await page.getByLabel('Owner').press('Enter');
      await page.waitForURL(/owner=/);
      await page.getByRole('link', { name: 'of another' }).waitFor();
      await until(async () => (await page.locator('table.keys tbody tr').count()) === 1, 'one key is found');
      await page.getByRole('link', { name: 'of another' }).click();
      await page.getByRole('link', { name: 'Edit' }).click();
      await page.getByRole('checkbox', { name: /^Enabled/ }).uncheck();
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('The changes are saved.').waitFor();
      await page.getByText('Disabled', { exact: true }).waitFor();
      await page.getByRole('link', { name: 'Revoke' }).click();
      await page.getByRole('button', { name: 'Revoke the key' }).click();
      await page.getByText('The key is revoked.').waitFor();
      assert.ok((await keysOf(world, user))[0].revokedAt);
    },
  },

  {
    name: 'an operator suspends and resumes all keys of an owner, and must say whose',
    run: async (visit, world) => {
      const user = await world.somebody();
      const { key: secret } = await world.server.call('api-key/create', { userId: user.id, name: 'to be suspended' });
      const visitor = await visit({ user: world.people.operator });
      visitor.allow(422);
      const { page } = visitor;
      await page.goto('/console/owners');
      await page.keyboard.press('/');
      await page.keyboard.type(user.id);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: user.id }).waitFor();
      await page.getByRole('link', { name: 'Suspend' }).click();
      await page.getByLabel(/^To confirm/).fill('somebody else');
      await page.getByRole('button', { name: 'Suspend all keys' }).click();
      await page.locator('#confirm-problem').waitFor();
      assert.deepEqual(await validity(world, [secret]), [true], 'nothing is changed without the owner’s id');
      await page.getByLabel(/^To confirm/).fill(user.id);
      await page.getByRole('button', { name: 'Suspend all keys' }).click();
      await page.getByRole('link', { name: 'Back to the owner' }).click();
      assert.deepEqual(await validity(world, [secret]), [false]);
      await page.getByRole('link', { name: 'Resume' }).click();
      await page.getByLabel(/^To confirm/).fill(user.id);
      await page.getByRole('button', { name: 'Resume all keys' }).click();
      await page.getByRole('link', { name: 'Back to the owner' }).waitFor();
      assert.deepEqual(await validity(world, [secret]), [true]);
    },
  },

  {
    name: 'an operator makes and ends a webhook and a server key, whose secrets are nowhere afterwards',
    run: async (visit, world) => {
      const someone = await world.somebody();
      makeOperator(world.server, someone);
      const visitor = await visit({ user: someone });
      const { page } = visitor;
      await page.goto('/console/webhooks/new');
      await page.getByLabel('Address').fill('https://hooks.invalid/console');
      await page.getByRole('button', { name: 'Make the webhook' }).click();
      const signing = await secretOf(page);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByText('The webhook is paused.').waitFor();
      await page.getByRole('button', { name: 'Resume' }).waitFor();
      await page.getByRole('link', { name: 'Delete' }).click();
      await page.getByLabel(/^To confirm/).fill('hooks.invalid');
      await page.getByRole('button', { name: 'Delete the webhook' }).click();
      await page.getByText('The webhook is deleted.').waitFor();
      await page.goto('/console/server-keys');
      await page.getByLabel('Name').fill('of the console');
      await page.getByRole('button', { name: 'Make the key' }).dblclick();
      const serverKey = await secretOf(page);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByRole('link', { name: 'Revoke of the console' }).click();
      const id = page.url().split('/').at(-2);
      await page.getByLabel(/^To confirm/).fill(id);
      await page.getByRole('button', { name: 'Revoke the server key' }).click();
      await page.getByText('The server key is revoked.').waitFor();
      for (const secret of [signing, serverKey]) await checkSecret(visitor, secret);
    },
  },

  {
    name: 'a guest of the portal does what the session allows, with the keys of one owner',
    run: async (visit, world) => {
      const user = await world.somebody();
      const link = await portalLink(world.server, user, ['create', 'revoke']);
      const visitor = await visit();
      visitor.allow(403, 404);
      const { page } = visitor;
      await page.goto(link);
      await page.waitForURL(/\/portal\/s\/[^/]+\/keys$/);
      const home = page.url();
      await page.getByRole('link', { name: 'Make the first key' }).click();
      await page.getByLabel('Name').fill(MARKUP);
      await page.getByRole('button', { name: 'Make the key' }).click();
      const secret = await secretOf(page);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByRole('heading', { level: 1, name: MARKUP }).waitFor();
      assert.deepEqual(await validity(world, [secret]), [true]);
      assert.equal(await page.getByRole('link', { name: 'Rotate' }).count(), 0, 'what is not allowed is not offered');
      assert.equal(await visitor.goto(`${page.url()}/rotate`), 403);
      assert.equal(await visitor.goto(`${home}/${world.ids.used}`), 404, 'the key of another owner');
      await page.goto('/console/keys');
      assert.match(page.url(), /\/console\/sign-in/, 'the session opens no console');
      await page.goto(home);
      await page.getByRole('link', { name: MARKUP }).click();
      await page.getByRole('link', { name: 'Revoke' }).click();
      await page.getByRole('button', { name: 'Revoke the key' }).click();
      await page.getByText('The key is revoked.').waitFor();
      assert.deepEqual(await validity(world, [secret]), [false]);
      assert.equal(await visitor.goto(link), 404, 'the link works once');
      await checkSecret(visitor, secret);
    },
  },

  {
    name: 'a guest of the portal rotates a key and closes the page, without scripts',
    run: async (visit, world) => {
      const user = await world.somebody();
      const visitor = await visit({ scripts: false, size: PHONE });
      visitor.allow(401);
      const { page } = visitor;
      await page.goto(await portalLink(world.server, user));
      await page.getByRole('button', { name: 'Open' }).click();
      await page.getByText('No keys yet').waitFor();
      const home = page.url();
      const { id, key: first } = await world.server.call('api-key/create', { userId: user.id, name: 'turning' });
      await page.goto(`${home}/${id}`);
      await page.getByRole('link', { name: 'Rotate' }).click();
      await page.getByRole('radio').first().check();
      await page.getByRole('button', { name: 'Make a new secret' }).click();
      const second = await secretOf(page);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      assert.deepEqual(await validity(world, [first, second, first]), [true, true, true], 'both are valid');
      await page.getByRole('link', { name: 'Rotate' }).click();
      await page.getByText('The former secret was last used').waitFor();
      await page.getByRole('button', { name: 'Finish: end the former secret now' }).click();
      await page.getByText('The former secret has ended.').waitFor();
      assert.deepEqual(await validity(world, [first, second]), [false, true]);
      await page.getByRole('button', { name: 'Close' }).click();
      await page.getByRole('heading', { name: 'The page is closed' }).waitFor();
      assert.equal(await visitor.goto(home), 401, 'and stays closed');
      for (const secret of [first, second]) await checkSecret(visitor, secret);
    },
  },

  {
    name: 'the portal is shown in a frame of the same site, and asks for a window on another site',
    run: async (visit, world) => {
      let framed = '';
      const application = http.createServer((_, answer) => {
        answer.setHeader('content-type', 'text/html');
        answer.end(`<!doctype html><title>Application</title><link rel="icon" href="data:,"><iframe src="${framed}" width="900" height="700"></iframe>`);
      });
      application.listen(0, '127.0.0.1');
      await once(application, 'listening');
      const { port } = application.address();
      const [same, other] = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
      const server = await startServer({ rest: `[console]\nframe_ancestors = ["${same}", "${other}"]\n` });
      try {
        const user = await signUp(server, 'Ada', 'ada@example.com');
        const visitor = await world.open({ others: [same, other, server.origin] });
        visitor.allow(400);
        const { page } = visitor;
        const frame = page.frameLocator('iframe');
        framed = await portalLink(server, user);
        await page.goto(`${same}/`);
        await frame.getByText('No keys yet').waitFor();
        framed = await portalLink(server, user);
        await page.goto(`${other}/`);
        await frame.getByText('Open in a window').waitFor();
        await page.goto(framed);
        await page.getByText('No keys yet').waitFor();
        assert.deepEqual(visitor.problems, []);
        await visitor.close();
      } finally {
        application.close();
        await server.stop();
      }
    },
  },

  {
    name: 'the portal works in a frame of another site where the cookies of third parties are blocked',
    run: async () => {
      let framed = '';
      const tls = { cert: await readFile(CERTIFICATE.certificate), key: await readFile(CERTIFICATE.key) };
      // The application at localhost frames the portal at 127.0.0.1, and a page there that sets a cookie of the usual kind.
      const application = https.createServer(tls, (question, answer) => {
        const { port } = application.address();
        answer.setHeader('content-type', 'text/html');
        if (question.url === '/usual') {
          answer.writeHead(302, { location: '/kept', 'set-cookie': 'usual=1; Path=/; Secure; SameSite=None' }).end();
        } else if (question.url === '/kept') {
          answer.end(`<p>the usual cookie is ${/usual=1/.test(question.headers.cookie) ? 'kept' : 'blocked'}</p>`);
        } else {
          const frame = (id, address) => `<iframe id="${id}" src="${address}" width="900" height="700"></iframe>`;
          answer.end(`<!doctype html><title>Application</title><link rel="icon" href="data:,">${frame('portal', framed)}${frame('usual', `https://127.0.0.1:${port}/usual`)}`);
        }
      });
      application.listen(0, 'localhost');
      await once(application, 'listening');
      const { port } = application.address();
      const origin = `https://localhost:${port}`;
      const server = await startServer({ tls: CERTIFICATE, rest: `[console]\nframe_ancestors = ["${origin}"]\n` });
      const visitor = await visitBlocking(server, [origin, `https://127.0.0.1:${port}`]);
      try {
        const user = await signUp(server, 'Ada', 'ada@example.com');
        const { page } = visitor;
        framed = await portalLink(server, user);
        await page.goto(origin);
        await page.frameLocator('#usual').getByText('the usual cookie is blocked').waitFor();
        const frame = page.frameLocator('#portal');
        await frame.getByRole('link', { name: 'Make the first key' }).click();
        await frame.getByLabel('Name').fill('in a frame');
        await frame.getByRole('button', { name: 'Make the key' }).click();
        const secret = (await frame.locator('#secret').textContent()).trim();
        assert.equal((await server.call('api-key/verify', { key: secret })).valid, true);
        await frame.getByRole('button', { name: 'I have saved it' }).click();
        await frame.getByRole('heading', { level: 1, name: 'in a frame' }).waitFor();
        await frame.getByRole('link', { name: 'Revoke' }).click();
        await frame.getByRole('button', { name: 'Revoke the key' }).click();
        await frame.getByText('The key is revoked.').waitFor();
        // The session is the frame's alone: the same browser in a window of its own has none.
        const inside = page.frames().find((found) => found.url().startsWith(server.origin)).url();
        visitor.allow(401);
        assert.equal(await visitor.goto(inside), 401);
        assert.deepEqual(visitor.problems, []);
      } finally {
        await visitor.close();
        application.close();
        await server.stop();
      }
    },
  },

  {
    name: 'the link of the first start makes the first operator, who has a key within a minute',
    run: async (visit, world) => {
      const server = await startServer();
      try {
        const link = server.said().match(/http:\/\/\S+\/console\/claim\/\S+/)[0];
        const visitor = await world.open({ others: [server.origin] });
        const { page } = visitor;
        await page.goto(link);
        await page.getByLabel('Name').fill('Ada');
        await page.getByLabel('E-mail address').fill('ada@example.com');
        await page.getByLabel('Password').fill('correct horse');
        await page.getByRole('button', { name: 'Make my account' }).click();
        await page.getByText('Welcome. You are an operator').waitFor();
        await page.getByRole('link', { name: 'Make the first key' }).click();
        await page.getByRole('button', { name: 'Make the key' }).click();
        const secret = await secretOf(page);
        await page.getByRole('button', { name: 'I have saved it' }).click();
        await server.call('api-key/verify', { key: secret });
        await until(async () => {
          await page.goto(`${server.origin}/console/keys`);
          return (await page.locator('svg.spark').count()) === 1;
        }, 'the first use is drawn');
        visitor.allow(404);
        assert.equal(await visitor.goto(link), 404, 'the link works once');
        assert.deepEqual(visitor.problems, []);
        await visitor.close();
      } finally {
        await server.stop();
      }
    },
  },

  deed('the second of two tabs is told that its form is out of date, also if both save at once', {}, async (visitor, { world, user }) => {
    visitor.allow(409);
    const id = await mint(world, user, 'raced');
    const [first, second] = [visitor.page, await visitor.tab()];
    await Promise.all([first, second].map((tab) => tab.goto(`/console/keys/${id}/edit`)));
    await first.getByLabel('Name').fill('by the first');
    await first.getByRole('button', { name: 'Save' }).click();
    await first.getByText('The changes are saved.').waitFor();
    await second.getByLabel('Name').fill('by the second');
    const answer = await answerTo(second, () => second.getByRole('button', { name: 'Save' }).click());
    assert.equal(answer.status(), 409);
    await second.getByRole('heading', { name: 'This form is out of date' }).waitFor();
    assert.equal((await keysOf(world, user))[0].name, 'by the first');
    await second.getByRole('link', { name: 'See it as it is now' }).click();
    await second.getByText('by the first').first().waitFor();
    // Of two that save at the same time one wins, and the other one is told.
    const tabs = [['first', first], ['second', second]];
    await Promise.all(tabs.map(([, tab]) => tab.goto(`/console/keys/${id}/edit`)));
    await Promise.all(tabs.map(([name, tab]) => tab.getByLabel('Name').fill(`${name} at once`)));
    const save = (tab) => answerTo(tab, () => tab.getByRole('button', { name: 'Save' }).click());
    const answers = await Promise.all(tabs.map(async ([name, tab]) => [(await save(tab)).status(), name]));
    const [[won, winner], [lost]] = answers.sort(([one], [two]) => one - two);
    assert.deepEqual([won, lost], [303, 409], 'one of them wins');
    assert.equal((await keysOf(world, user))[0].name, `${winner} at once`);
  }),

  deed('a form about a key that is gone changes nothing, and says so', {}, async (visitor, { world, user }) => {
    visitor.allow(404, 409);
    const id = await mint(world, user, 'gone');
    const { page } = visitor;
    await page.goto(`/console/keys/${id}/revoke`);
    await world.server.call('api-key/delete', { keyId: id });
    const answer = await answerTo(page, () => page.getByRole('button', { name: 'Revoke the key' }).click());
    assert.ok([404, 409].includes(answer.status()), `${answer.status()}`);
    await page.getByText('Nothing was changed').or(page.getByText('There is no such key')).first().waitFor();
  }),

  deed('whoever has lost the session signs in, and is back at the page', {}, async (visitor, { world, user }) => {
    const id = await mint(world, user, 'to be edited');
    const { page } = visitor;
    await page.goto(`/console/keys/${id}`);
    await endSessions(world, user);
    await page.getByRole('link', { name: 'Edit' }).click();
    await signIn(page, user);
    await arrive(page, `**/console/keys/${id}/edit`);
    // The form of a session that ended changes nothing.
    await page.getByLabel('Name').fill('too late');
    await endSessions(world, user);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Nothing was changed.').waitFor();
    await signIn(page, user);
    await page.waitForURL(`**/console/keys/${id}/edit`);
    assert.equal((await keysOf(world, user))[0].name, 'to be edited');
    // So does a search, which replaces a part of the page alone.
    await page.goto('/console/keys');
    await endSessions(world, user);
    await page.keyboard.press('/');
    await page.keyboard.insertText('to be');
    await signIn(page, user);
    await page.waitForURL(/\/console\/keys\?q=to%20be|\/console\/keys\?q=to\+be/);
    await page.getByRole('link', { name: 'to be edited' }).waitFor();
  }),

  deed('the theme is the system’s until one is chosen, and then kept', { theme: 'dark' }, async (visitor) => {
    const { page } = visitor;
    const background = (tab) => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.goto('/console/keys');
    const dark = await background(page);
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await background(page);
    assert.notEqual(dark, light);
    await page.getByRole('button', { name: 'Theme: as the system' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    assert.equal(await background(page), dark);
    await page.goto('/console/keys/new');
    assert.equal(await background(page), dark, 'the next page keeps it');
    const other = await visitor.tab();
    await other.emulateMedia({ colorScheme: 'light' });
    await other.goto('/console/keys');
    assert.equal(await background(other), dark, 'another tab has it');
    await other.getByRole('button', { name: 'Theme: dark' }).click();
    await other.reload();
    assert.equal(await background(other), light, 'and the system’s is back');
  }),

  deed('a search shows its result while one types, and is in the address', {}, async (visitor, { world, user }) => {
    const { page } = visitor;
    for (const name of ['alpha', 'beta', EMOJI]) await mint(world, user, name);
    await page.goto('/console/keys');
    await page.getByLabel('Search').fill('bet');
    await arrive(page, /\?q=bet$/);
    await until(async () => (await page.locator('table.keys tbody tr').count()) === 1, 'one key is shown');
    await page.getByRole('link', { name: 'beta' }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'alpha' }).waitFor();
    await page.getByLabel('Search').fill(EMOJI.slice(0, 4));
    await page.getByRole('link', { name: EMOJI }).waitFor();
    await page.getByLabel('Status').selectOption('revoked');
    await page.getByRole('heading', { name: 'No key matches' }).waitFor();
    await page.locator('[data-toast]').getByText('No key matches').waitFor();
    await page.getByRole('link', { name: 'Show all keys' }).click();
    await page.getByRole('link', { name: 'alpha' }).waitFor();
    await page.getByRole('link', { name: 'Name', exact: true }).click();
    const names = await page.locator('table.keys tbody .title a').allTextContents();
    assert.deepEqual(names.slice(0, 2), ['alpha', 'beta']);
  }),

  deed('problems are beside their fields, and lead to them', {}, async (visitor, { world, user }) => {
    visitor.allow(422);
    const { page } = visitor;
    await page.goto('/console/keys/new');
    await page.getByLabel('Name').fill('\u202Egnp.yek');
    await page.getByRole('button', { name: 'Make the key' }).click();
    const field = page.getByLabel('Name');
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    const described = await field.getAttribute('aria-describedby');
    for (const id of described.split(' ')) assert.ok(await page.locator(`#${id}`).isVisible(), id);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'alert');
    assert.equal(await field.inputValue(), '\u202Egnp.yek', 'what was entered is kept');
    await page.getByRole('alert').getByRole('link').first().click();
    await field.fill('good');
    await page.getByRole('button', { name: 'Make the key' }).click();
    await secretOf(page);
    assert.deepEqual((await keysOf(world, user)).map((key) => key.name), ['good']);
  }),

  deed('times are those of the reader’s zone, with the instant', { zone: 'Asia/Kolkata' }, async ({ page }, { world, user }) => {
    const id = await mint(world, user, 'timed');
    await page.goto(`/console/keys/${id}`);
    const made = page.locator('dl.facts time').first();
    const instant = new Date(await made.getAttribute('datetime'));
    const there = new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Kolkata', hour: '2-digit', minute: '2-digit' });
    assert.ok((await made.textContent()).includes(there.format(instant)), await made.textContent());
    assert.ok((await made.getAttribute('title')).includes(instant.toISOString()));
  }),

  deed('a filter of 10 kB is told of its length', {}, async (visitor, { world, user }) => {
    await mint(world, user, 'any');
    visitor.allow(400);
    const { page } = visitor;
    assert.equal(await visitor.goto(`/console/keys?q=${'x'.repeat(10_000)}`), 400);
    await page.getByText('The search must have 2048 bytes or fewer.').waitFor();
    await page.getByRole('link', { name: 'Show all keys' }).click();
    await page.getByRole('link', { name: 'any' }).waitFor();
  }),
];
