// The console in real Chromium: `node run.mjs looks|deeds|planted ['part of a name|part of another']`.
import { launch, run, visit } from './browser.mjs';
import { startServer } from './world/server.mjs';
import { CONFIGURATION, enterPortal, populate, populateBare, signUp, withBans } from './world/people.mjs';

const [suite, part = ''] = process.argv.slice(2);
// No run waits for ever.
setTimeout(() => {
  console.log('FAIL: not at an end after 600 s');
  process.exit(1);
}, 600_000).unref();

const began = performance.now();
const [browser, server, empty] = await Promise.all([
  launch(),
  startServer({ rest: CONFIGURATION, prepare: withBans }),
  // Some pages are looked at on a server that has next to nothing.
  suite === 'looks' ? startServer({ tries: 6 }) : undefined,
]);
let status = 1;
try {
  const { owner, operator, member, newcomer, late, cora, keys, ids } = await populate(server);
  // A guest of the portal has the cookie of a session, which is bound to its path.
  const { id, path, cookie } = await enterPortal(server, owner);
  ids.session = id;
  const [name, value] = cookie.split('=');
  const cookies = [{ name, value, domain: '127.0.0.1', path }];
  let people = 0;
  const world = {
    server,
    keys,
    ids,
    bare: empty && (await populateBare(empty)),
    bytes: new Map(),
    open: (options) => visit(browser, server, options),
    people: { owner, operator, member, newcomer, late, cora, guest: { cookies }, nobody: undefined },
    /** Somebody new, whom no other case changes. */
    somebody: (name = 'Sam') => signUp(server, name, `sam${(people += 1)}@example.com`),
  };
  const { cases } = await import(`./checks/${suite}.mjs`);
  const chosen = cases(world).filter(({ name }) => part.split('|').some((one) => name.includes(one)));
  if (chosen.length === 0) throw new Error(`no case has "${part}" in its name`);
  const failed = await run(browser, server, chosen);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${suite}: ${chosen.length - failed} of ${chosen.length} cases hold (${seconds} s)`);
  if (world.bytes.size > 0) {
    const [name, most] = [...world.bytes].sort(([, a], [, b]) => b - a)[0];
    console.log(`the largest page is "${name}" with ${most} bytes, its files included`);
  }
  status = failed === 0 ? 0 : 1;
} catch (error) {
  console.log(`FAIL ${error.stack}`);
} finally {
  await browser.close();
  await Promise.all([server.stop(), empty?.stop()]);
}
process.exit(status);
