// What is done with findings, with the log of changes, and with webhooks.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { changeKey, makeOperator } from '../../world/people.mjs';
import { checkSecret, deed, secretOf, until } from '../steps.mjs';

const LONG_AGO = new Date(Date.now() - 100 * 86_400_000).toISOString();

export const RECORDS = [
  deed('some keys of a finding are disabled at once, without scripts', { scripts: false }, async (visitor, { world, user }) => {
    visitor.allow(422);
    const { page } = visitor;
    const made = [];
    for (const name of ['first', 'second', 'third']) {
      const key = await world.server.call('api-key/create', { userId: user.id, name });
      changeKey(world.server, key.id, { createdAt: LONG_AGO });
      made.push(key);
    }
    await page.goto('/console/health');
    await page.locator('a[href="/console/health/never_used"]').click();
    await page.getByRole('checkbox', { name: 'Choose third' }).uncheck();
    await page.getByLabel(/^To confirm/).fill('something else');
    await page.getByRole('button', { name: 'Change the chosen keys' }).click();
    await page.locator('#confirm-problem').waitFor();
    assert.equal(await page.getByRole('checkbox', { name: 'Choose third' }).isChecked(), false, 'the choice is kept');
    // One is changed after the page was shown: it is left as it is.
    await world.server.call('api-key/update', { keyId: made[1].id, name: 'changed' });
    await page.getByLabel(/^To confirm/).fill('never_used');
    await page.getByRole('button', { name: 'Change the chosen keys' }).click();
    await page.getByText('1 key was disabled.').waitFor();
    await page.getByRole('listitem').filter({ hasText: made[1].id }).waitFor();
    const enabled = world.server.rows((rows) => made.map(({ id }) => rows.prepare('select "enabled" from "apikey" where "id" = ?').get(id).enabled));
    assert.deepEqual(enabled, [0, 1, 1]);
  }),

  {
    name: 'an operator downloads the events of a key, without scripts',
    run: async (visit, world) => {
      const user = await world.somebody();
      const { id } = await world.server.call('api-key/create', { userId: user.id, name: 'watched' });
      await world.server.call('api-key/revoke', { id });
      const visitor = await visit({ user: world.people.operator, scripts: false });
      const { page } = visitor;
      await page.goto('/console/audit');
      await page.getByLabel('Key', { exact: true }).fill(id);
      await page.getByRole('button', { name: 'Search' }).click();
      // What was recorded is sealed a moment later.
      const download = page.getByRole('button', { name: 'Download' });
      await until(async () => {
        if ((await page.locator('ol.events > li').count()) === 2) return true;
        await page.reload();
        return false;
      }, 'both events are shown');
      const [file] = await Promise.all([page.waitForEvent('download'), download.click()]);
      assert.match(file.suggestedFilename(), /^keymint-audit-.*\.jsonl$/);
      const lines = (await readFile(await file.path(), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line));
      assert.deepEqual(lines.map(({ type }) => type), ['keymint.key.created', 'keymint.key.revoked']);
    },
  },

  deed('a webhook is tested, told again, and gets another secret', {}, async (visitor, { world, user }) => {
    const arrived = [];
    const endpoint = http.createServer(async (question, answer) => {
      const chunks = await question.toArray();
      arrived.push({ headers: question.headers, body: Buffer.concat(chunks).toString() });
      answer.writeHead(204).end();
    });
    endpoint.listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
    /** Which of these secrets have signed the last delivery. */
    const signed = (...secrets) => {
      const { headers, body } = arrived.at(-1);
      const signatures = headers['webhook-signature'].split(' ');
      return secrets.map((secret) => {
        const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
        const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
        return signatures.includes(`v1,${createHmac('sha256', key).update(text).digest('base64')}`);
      });
    };
    try {
      const { page } = visitor;
      makeOperator(world.server, user);
      await page.goto('/console/webhooks/new');
      await page.getByLabel('Address').fill(`http://127.0.0.1:${endpoint.address().port}/hooks`);
      await page.getByLabel('Only for keys of this owner').fill(user.id);
      await page.getByRole('button', { name: 'Make the webhook' }).click();
      const first = await secretOf(page);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByRole('button', { name: 'Test' }).click();
      await page.getByText('The endpoint answered 204').waitFor();
      assert.equal(arrived.length, 1);
      assert.deepEqual(signed(first), [true]);
      await world.server.call('api-key/create', { userId: user.id });
      await until(() => arrived.length === 2, 'the event is delivered');
      await page.getByRole('link', { name: 'Change the secret' }).click();
      await page.getByRole('radio', { name: 'An hour' }).check();
      await page.getByRole('button', { name: 'Change the secret' }).click();
      const second = await secretOf(page);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByText('Former secret').waitFor();
      await page.getByLabel('From (UTC)').fill('2020-01-01');
      await page.getByRole('button', { name: 'Replay' }).click();
      await page.getByText('Its events will be delivered again.').waitFor();
      const { 'webhook-id': id } = arrived[1].headers;
      await until(() => arrived.slice(2).some(({ headers }) => headers['webhook-id'] === id), 'it is delivered again');
      assert.deepEqual(signed(first, second), [true, true]);
      for (const secret of [first, second]) await checkSecret(visitor, secret);
    } finally {
      endpoint.close();
    }
  }),
];
