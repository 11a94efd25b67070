// Each kind of check fails where a fault is: every case here plants one, and holds if the check finds it.
import assert from 'node:assert/strict';
import { judge } from '../browser.mjs';
import { cases as looks } from './looks.mjs';
import { cases as deeds } from './deeds.mjs';

const intoMain = (markup) => ({ html: (html) => html.replace('</main>', `${markup}</main>`) });
const inStyle = (rule) => ({ style: (css) => `${css}\n${rule}` });
const intoScript = (script) => ({ script: (text) => `${text}\n${script}` });
const without = (...parts) => ({ html: (html) => parts.reduce((left, part) => left.replaceAll(part, ''), html) });
/** Runs a script wherever a secret is shown. */
const atSecret = (script) =>
  intoScript(`{ const found = document.querySelector('[data-secret]'); if (found) { const secret = found.textContent; ${script} } }`);

const TINY = '<button class="tiny" aria-label="a"></button><button class="tiny" aria-label="b"></button>';
/** A case that waits in vain need not wait for long. */
const PATIENCE_IN_MS = 4000;
const KEYS = 'keys, as owner';
const ONCE = 'a key is made in three clicks, and its secret is nowhere afterwards';
const COPIED = 'a secret and its command are copied, and its file is downloaded';
const WARNED = 'leaving a secret warns, and staying keeps it';
const BACK = 'Back does not show a secret again';
/** What a server that logged the secret would write. */
const log = (secret, { server }) => fetch(`${server.origin}/healthz`, { headers: { 'x-request-id': secret } });
const keepInCookie = (secret, { context, server }) =>
  context.addCookies([{ name: 's', value: secret, url: server.origin, httpOnly: true }]);
const OPEN = { 'content-security-policy': undefined };

/** The fault, the case that must find it, and what the case then says. */
const FAULTS = [
  ['an element is wider than a phone', KEYS, intoMain('<canvas width="900" height="9"></canvas>'), /scrolls sideways at 375 px/],
  ['an element is wider than a screen', KEYS, intoMain('<canvas width="1900" height="9"></canvas>'), /scrolls sideways at 1440 px/],
  ['a picture has no text', KEYS, intoMain('<img src="/console/assets/none.svg">'), /image-alt/],
  ['a text is pale in the light', KEYS, inStyle('@media (prefers-color-scheme: light) { th, label { color: #c4c4cc !important } }'), /axe-core, light.*color-contrast/s],
  ['a text is dark in the dark', KEYS, inStyle('@media (prefers-color-scheme: dark) { th, label { color: #3c3c44 !important } }'), /axe-core, dark.*color-contrast/s],
  ['a text is pale in the light of a phone', KEYS, inStyle('@media (prefers-color-scheme: light) and (max-width: 400px) { main a, label { color: #c4c4cc !important } }'), /axe-core, light, 375 px.*color-contrast/s],
  ['a text is dark in the dark of a screen', KEYS, inStyle('@media (prefers-color-scheme: dark) and (min-width: 1000px) { main a, label { color: #3c3c44 !important } }'), /axe-core, dark, 1440 px.*color-contrast/s],
  ['a button is tiny', KEYS, { ...intoMain(TINY), ...inStyle('.tiny { display: block; width: 9px; height: 9px; min-height: 0; padding: 0; border: 0 }') }, /target-size/],
  ['the focus is not seen', KEYS, inStyle('*:focus-visible { outline: none !important }'), /the focus is not seen/],
  ['Tab leaves the order', KEYS, { html: (html) => html.replace(/<main[^>]*>/, '$&<button tabindex="5">first</button>') }, /Tab leaves the order/],
  ['Tab does not reach a link', KEYS, intoScript("document.querySelector('main table').inert = true;"), /Tab does not reach all/],
  ['a page leads to no page', KEYS, intoMain('<a href="/console/nowhere">nowhere</a>'), /leads to \/console\/nowhere/],
  ['a page leads elsewhere', KEYS, intoMain('<a href="https://elsewhere.example/">elsewhere</a>'), /leads to https:\/\/elsewhere/],
  ['a page is large', KEYS, intoMain(`<!--${'x'.repeat(60_000)}-->`), /has \d+ bytes and \d+ in files, and not \d+ at most/],
  ['a file of a page is large', KEYS, inStyle(`/*${'x'.repeat(40_000)}*/`), /in files/],
  ['a name turns what is beside it', KEYS, { html: (html) => html.replaceAll(/<\/?bdi[^>]*>/g, '') }, /a text may turn what is beside it/],
  ['a name is markup', KEYS, { html: (html) => html.replace(/&#60;script&#62;|&lt;script&gt;/, '<script>') }, /foreign markup/],
  ['a page has no title', KEYS, { html: (html) => html.replace(/<title>[^<]*/, '<title>') }, /the title is/],
  ['a page fails', KEYS, { html: (html) => html, status: 500 }, /answers 500/],
  ['a script prints an error', KEYS, intoScript("console.error('planted');"), /the console has: planted/],
  ['a script fails', KEYS, intoScript("setTimeout(() => { throw new Error('planted'); });"), /a script failed: planted/],
  ['a script is inline', KEYS, intoMain('<script>document.title = "x"</script>'), /Content Security Policy/i],
  ['a style is inline', KEYS, intoMain('<p style="color: red">red</p>'), /Content Security Policy/i],
  ['a request leaves the origin', KEYS, { ...intoMain('<img alt="" src="http://127.0.0.1:9/x.png">'), headers: OPEN }, /a request left the origin/],
  ['a secret is in an address', ONCE, atSecret("history.replaceState(null, '', '?s=' + secret);"), /the secret is in (an address|the history)/],
  ['a secret is sent somewhere', ONCE, atSecret("fetch('/console/keys?q=' + secret);"), /the secret is in an address/],
  ['a secret is in the session storage', ONCE, atSecret("sessionStorage.setItem('s', secret);"), /the secret is stored/],
  ['a secret is in the local storage', ONCE, atSecret("localStorage.setItem('s', secret);"), /the secret is stored/],
  ['a secret is in a cookie', ONCE, atSecret("document.cookie = 's=' + secret;"), /the secret is stored/],
  ['a secret is in a cookie that no script reads', ONCE, { withSecret: keepInCookie }, /the secret is in a cookie/],
  ['a secret is logged', ONCE, { withSecret: log }, /the secret is in the log/],
  ['a secret comes back', BACK, intoScript("{ const found = document.querySelector('[data-secret]'); if (found) window.name = found.textContent; else document.body.append(window.name); }"), /Back shows the secret again/],
  ['leaving a secret does not warn', WARNED, without(' data-secret-page'), /the page warns/],
  ['nothing is copied', COPIED, intoScript("navigator.clipboard.writeText = () => Promise.resolve();"), /the secret is on the clipboard/],
  ['two keys are made', 'a double click makes one key', { twice: true }, /one key is made/],
  ['the theme is forgotten', 'the theme is the system’s until one is chosen, and then kept', { theme: () => '' }, /the next page keeps it/],
  ['an old form is taken', 'the second of two tabs is told that its form is out of date, also if both save at once', { stale: true }, /303 !== 409/],
  ['the page after the sign-in is another', 'whoever has lost the session signs in, and is back at the page', { lost: true }, /not at \S+\/edit, but at \S+\/console\/keys:.*Timeout/s],
  ['the search does not answer', 'a search shows its result while one types, and is in the address', without(' data-part="results"'), /not at \S+q=bet\S+, but at \S+\/console\/keys:.*Timeout/s],
  ['a form needs a script', 'everything works without scripts', without(' method="post" action="/console/keys/new"'), /waiting for locator\('#secret/],
  ['a problem is not beside its field', 'problems are beside their fields, and lead to them', { html: (html) => html.replaceAll(/ aria-invalid="true"/g, '') }, /null !== 'true'/],
  ['a time is that of the server', 'times are those of the reader’s zone, with the instant', without(' data-time="date"'), /UTC/],
  ['an instant is not exact', KEYS, { html: (html) => html.replaceAll(/<time datetime="[^"]*"/g, '<time') }, /no instant at/],
  ['an instant is a plain text', KEYS, { html: (html) => html.replaceAll(/<\/?time[^>]*>/g, '') }, /the page has no instant/],
];

export function cases(world) {
  const all = [...looks(world), ...deeds(world)];
  return FAULTS.map(([name, found, fault, message]) => ({
    name: `${name}: found by "${found}"`,
    run: async () => {
      const guarded = all.find((other) => other.name === found);
      assert.ok(guarded, `there is no case "${found}"`);
      const visitors = [];
      const open = async (options) => {
        const visitor = await world.open({ ...options, fault, patience: PATIENCE_IN_MS });
        visitors.push(visitor);
        return visitor;
      };
      try {
        const said = await guarded.run(open).then(
          () => judge(visitors),
          (error) => error,
        ).catch((error) => error);
        assert.ok(said, 'the check did not find it');
        assert.match(`${said.message} ${visitors.flatMap(({ problems }) => problems).join(' ')}`, message);
      } finally {
        await Promise.all(visitors.map((visitor) => visitor.close()));
      }
    },
  }));
}
