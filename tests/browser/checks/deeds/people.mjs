// What people do with accounts: their own, and those of others.
import assert from 'node:assert/strict';
import { PHONE } from '../../browser.mjs';
import { MARKUP, ageSessions, signUp } from '../../world/people.mjs';
import { startServer } from '../../world/server.mjs';
import { anotherSession, deed, living, secretOf, signIn, validity } from '../steps.mjs';

export const PEOPLE = [
  deed('somebody changes their name and their password, and ends the sessions of others', {}, async (visitor, { world, user }) => {
    visitor.allow(400);
    const { page } = visitor;
    const others = [await anotherSession(world, user), await anotherSession(world, user), await anotherSession(world, user)];
    await page.goto('/console/account');
    await page.getByLabel('Name', { exact: true }).fill(MARKUP);
    await page.getByRole('button', { name: 'Save the name' }).click();
    await page.getByText('Your name is changed.').waitFor();
    await page.getByRole('link', { name: MARKUP }).waitFor();
    const end = page.getByRole('button', { name: /^Sign out (?!everywhere)./ });
    assert.equal(await end.count(), 3, 'this session has no such button');
    await end.first().click();
    await page.getByText('The session has ended.').waitFor();
    assert.deepEqual((await living(world, ...others)).sort(), [false, true, true]);
    const change = async (current) => {
      await page.getByLabel('Current password').fill(current);
      await page.getByLabel('New password').fill('another horse');
      await page.getByRole('button', { name: 'Change the password' }).click();
    };
    await change('not this one');
    await page.locator('#current-problem').getByText('That is not your password.').waitFor();
    assert.deepEqual((await living(world, ...others)).sort(), [false, true, true], 'nothing was changed');
    await change(user.password);
    await page.getByText('The password is changed.').waitFor();
    assert.deepEqual(await living(world, ...others), [false, false, false]);
    await assert.rejects(anotherSession(world, user), /INVALID_EMAIL_OR_PASSWORD/);
    const changed = { ...user, password: 'another horse' };
    const last = await anotherSession(world, changed);
    // Whoever signed in long ago enters the password again before they see their sessions.
    ageSessions(world.server, user);
    await page.goto('/console/account');
    await page.getByLabel('Your password').fill(changed.password);
    await page.getByRole('button', { name: 'Show the sessions' }).click();
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
    await page.getByText('All your other sessions have ended.').waitFor();
    assert.deepEqual(await living(world, last), [false]);
  }),

  {
    name: 'an operator gives a link, bans, and makes an operator, without scripts',
    run: async (visit, world) => {
      const user = await world.somebody('Bea');
      const { key } = await world.server.call('api-key/create', { userId: user.id });
      const visitor = await visit({ user: world.people.operator, scripts: false, size: PHONE });
      const { page } = visitor;
      await page.goto('/console/users');
      await page.getByLabel(/^Id or e-mail address/).fill(user.email);
      await page.getByRole('button', { name: 'Open' }).click();
      await page.getByRole('button', { name: 'Make a link' }).click();
      const link = await secretOf(page);
      await page.getByRole('link', { name: 'Back to the user' }).or(page.getByRole('button', { name: 'I have' })).click();

      const other = await visit({ scripts: false, size: PHONE });
      other.allow(403, 404);
      await other.goto(link);
      await other.page.getByLabel('New password').fill('another horse');
      await other.page.getByRole('button', { name: 'Set the password' }).click();
      await other.page.getByText('The new password is set').waitFor();
      assert.deepEqual(await living(world, user.cookie), [false], 'all sessions have ended');
      assert.equal(await other.goto(link), 404, 'the link works once');
      assert.ok(!world.server.said().includes(link.split('/').at(-1)), 'the link is in no log');
      await other.goto('/console/users');
      await signIn(other.page, { ...user, password: 'another horse' });
      await other.page.getByRole('heading', { name: 'This page is for operators' }).waitFor();

      const change = async (link, button, done) => {
        await page.getByRole('link', { name: link, exact: true }).click();
        await page.getByRole('button', { name: button, exact: true }).click();
        await page.getByText(done).waitFor();
      };
      await change('Make an operator', 'Make an operator', 'The user is an operator now.');
      assert.equal(await other.goto('/console/users'), 200);
      await change('Make no operator', 'Make no operator', 'The user is no operator any more.');
      assert.equal(await other.goto('/console/users'), 403);
      await page.getByRole('link', { name: 'Ban', exact: true }).click();
      await page.getByRole('radio', { name: 'One week' }).check();
      await page.getByRole('button', { name: 'Ban', exact: true }).click();
      await page.getByText('The user is banned, and signed out everywhere.').waitFor();
      await other.goto('/console/keys');
      assert.match(other.page.url(), /\/console\/sign-in/);
      assert.deepEqual(await validity(world, [key]), [false]);
      await change('End the ban', 'End the ban', 'The ban is over.');
      assert.deepEqual(await validity(world, [key]), [true]);
      await signIn(other.page, { ...user, password: 'another horse' });
      await other.page.getByRole('heading', { level: 1, name: 'Your keys' }).waitFor();
    },
  },

  {
    name: 'whoever is signed in becomes the first operator by one button',
    run: async (visit, world) => {
      const server = await startServer();
      try {
        const link = server.said().match(/http:\/\/\S+\/console\/claim\/\S+/)[0];
        const visitor = await visit({ server, user: await signUp(server, 'Ada', 'ada@example.com') });
        visitor.allow(403);
        assert.equal(await visitor.goto('/console/users'), 403);
        await visitor.goto(link);
        await visitor.page.getByText('ada@example.com').waitFor();
        await visitor.page.getByRole('button', { name: 'Become the operator' }).click();
        await visitor.page.getByText('Welcome. You are an operator').waitFor();
        assert.equal(await visitor.goto('/console/users'), 200);
      } finally {
        await server.stop();
      }
    },
  },
];
