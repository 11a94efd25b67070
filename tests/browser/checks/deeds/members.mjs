// What members do with the keys of their organizations.
import assert from 'node:assert/strict';
import { makeOrganization } from '../../world/people.mjs';
import { checkSecret, fieldsOf, secretOf, validity } from '../steps.mjs';

export const MEMBERS = [
  {
    name: 'members do with the keys of an organization what their roles allow, and nothing else',
    run: async (visit, world) => {
      const [maker, reader] = [await world.somebody('Mona'), await world.somebody('Rae')];
      const crew = `crew-${maker.id}`;
      makeOrganization(world.server, crew, 'The crew', [
        [maker, 'admin'],
        [reader, 'member'],
      ]);
      const [making, reading] = [await visit({ user: maker }), await visit({ user: reader })];
      const { page } = making;
      await page.goto('/console/keys');
      await page.getByRole('link', { name: 'Make the first key' }).click();
      await page.getByRole('link', { name: /^team/ }).click();
      await page.getByLabel('Name').fill('of the crew');
      assert.equal(await page.getByLabel('Organization').inputValue(), crew, 'the only one is chosen');
      await page.getByRole('button', { name: 'Make the key' }).click();
      const first = await secretOf(page);
      assert.match(first, /^team_/);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByRole('link', { name: 'Edit' }).click();
      await page.getByLabel('Name').fill('of all of the crew');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('The changes are saved.').waitFor();
      const path = new URL(page.url()).pathname;
      await page.getByRole('link', { name: 'Rotate' }).click();
      await page.getByRole('button', { name: 'Make a new secret' }).click();
      const second = await secretOf(page);
      await page.getByRole('button', { name: 'I have saved it' }).click();
      await page.getByRole('link', { name: 'Rotate' }).click();
      await page.getByRole('button', { name: 'Finish: end the secret in use' }).click();
      await page.getByText('The former secret has ended.').waitFor();
      assert.deepEqual(await validity(world, [first, second]), [false, true]);

      // A member who may read sees it, and changes nothing by a form that somebody else was shown.
      await reading.page.goto('/console/keys');
      await reading.page.getByRole('link', { name: 'The crew' }).click();
      await reading.page.getByRole('link', { name: 'of all of the crew' }).click();
      await reading.page.getByRole('link', { name: 'Test' }).click();
      await reading.page.getByRole('button', { name: 'Test' }).click();
      await reading.page.getByText('Every rule, in order').waitFor();
      const headers = { origin: world.server.origin };
      for (const action of ['edit', 'rotate', 'delete', 'revoke']) {
        await page.goto(`${path}/${action}`);
        const form = { ...(await fieldsOf(page.locator(`form[action="${path}/${action}"]`))), name: 'mine' };
        const answer = await reading.context.request.post(`${path}/${action}`, { form, headers, maxRedirects: 0 });
        assert.equal(answer.status(), 403, action);
        assert.match(await answer.text(), /Nothing was changed/);
      }
      assert.deepEqual(await validity(world, [second]), [true]);
      await page.goto(`${path}/revoke`);
      await page.getByRole('link', { name: 'of all of the crew' }).waitFor();
      await page.getByRole('button', { name: 'Revoke the key' }).click();
      await page.getByText('The key is revoked.').waitFor();
      assert.deepEqual(await validity(world, [second]), [false]);
      await page.getByRole('link', { name: 'Delete' }).click();
      await page.getByRole('button', { name: 'Delete the key' }).click();
      await page.getByText('The key is deleted.').waitFor();
      for (const secret of [first, second]) await checkSecret(making, secret);
    },
  },
];
