// What must hold on every page: it can be seen, read, reached by keys and by screen readers, and shows texts as texts.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { DESKTOP, PHONE } from '../browser.mjs';
import { PAGES, addressOf, isKnown } from '../pages.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const THEMES = ['light', 'dark'];
const SIZES = [DESKTOP, PHONE];
/** The most that a page may have with all files that it refers to, before they are compressed. */
const MOST_BYTES = 60_000;

/** One case for each page and person. */
export function cases(world) {
  return PAGES.flatMap((entry) =>
    entry.as.map((who) => ({
      name: `${entry.name}, as ${who}`,
      run: async (visit) => {
        const { server, people, ids } = entry.at === 'bare' ? world.bare : world;
        const visitor = await visit({ server, user: people[who], fault: entry.changed });
        await look(visitor, entry, addressOf(entry, { ids }), world.bytes);
      },
    })),
  );
}

/** Checks one page, in both themes and both widths. */
async function look(visitor, entry, address, sizes) {
  const { page } = visitor;
  const expected = entry.status ?? 200;
  visitor.allow(expected);
  // Leaving a page with a secret asks; nobody is to be asked here.
  visitor.dialogs.push('accept');
  const answers = [];
  page.on('response', (answer) => answer.request().isNavigationRequest() && answers.push(answer));
  await page.goto(address);
  if (entry.open) {
    await entry.open(visitor);
    await page.waitForLoadState();
  }
  const last = answers.at(-1);
  assert.equal(last.status(), expected, `${last.url()} answers ${last.status()}`);
  const [html, files] = [(await last.body()).length, await weightOfFiles(page)];
  const bytes = html + files;
  assert.ok(bytes <= MOST_BYTES, `${address} has ${html} bytes and ${files} in files, and not ${MOST_BYTES} at most`);
  sizes.set(entry.name, Math.max(bytes, sizes.get(entry.name) ?? 0));

  await checkTexts(page, entry);
  await checkLinks(page);
  await checkKeys(page);
  await page.evaluate(AXE);
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await checkWidth(page, size);
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme });
      await checkAxe(page, theme, size);
    }
  }
}

/** The bytes of the style sheets, scripts and images that a page refers to, except for a team's own logo. */
async function weightOfFiles(page) {
  const sizes = await page.evaluate(async () => {
    const found = document.querySelectorAll('link[rel=stylesheet], link[rel=icon], script[src], img[src^="/"]:not(.brand img)');
    const files = new Set([...found].map((file) => file.href ?? file.src));
    return Promise.all([...files].map(async (file) => (await (await fetch(file)).arrayBuffer()).byteLength));
  });
  assert.ok(sizes.length >= 4, `the page has its files: ${sizes}`);
  return sizes.reduce((sum, size) => sum + size);
}

async function checkWidth(page, { width }) {
  const wide = await page.evaluate(() => {
    const root = document.scrollingElement;
    if (root.scrollWidth <= root.clientWidth) return undefined;
    const over = [...document.querySelectorAll('body *')].find((found) => found.getBoundingClientRect().right > root.clientWidth + 1);
    return `${root.scrollWidth} px: ${over?.outerHTML.slice(0, 120)}`;
  });
  assert.equal(wide, undefined, `scrolls sideways at ${width} px`);
}

async function checkAxe(page, theme, { width }) {
  const options = { runOnly: { type: 'tag', values: TAGS }, rules: { 'target-size': { enabled: true } } };
  const violations = await page.evaluate(async (chosen) => {
    const { violations } = await axe.run(document, { ...chosen, resultTypes: ['violations'], preload: false });
    return violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.map((node) => node.html.slice(0, 160)).join(' ')}`);
  }, options);
  assert.deepEqual(violations, [], `axe-core, ${theme}, ${width} px`);
}

/** Texts of people are texts, and turn nothing around them. */
async function checkTexts(page, { instants = false }) {
  const found = await page.evaluate((hasInstants) => {
    const problems = [];
    if (!document.title.trim() || !document.title.includes('Keymint')) problems.push(`the title is "${document.title}"`);
    if (document.querySelectorAll('h1').length !== 1) problems.push('there is not one h1');
    if (document.documentElement.lang !== 'en') problems.push('the page has no language');
    const foreign = document.querySelectorAll('script:not([src]), style, [onerror], [onclick], [onload], img[src="x"]');
    for (const element of foreign) problems.push(`foreign markup: ${element.outerHTML.slice(0, 100)}`);
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (/[\u202A-\u202E\u2066-\u2069]/.test(text.data) && !text.parentElement.closest('bdi, code, pre, textarea, option')) {
        problems.push(`a text may turn what is beside it: ${text.parentElement.outerHTML.slice(0, 100)}`);
      }
    }
    const times = document.querySelectorAll('time');
    if (hasInstants && times.length === 0) problems.push('the page has no instant');
    for (const time of times) {
      if (!time.dateTime || !time.title.includes(time.dateTime)) problems.push(`no instant at ${time.outerHTML}`);
    }
    return problems;
  }, instants);
  assert.deepEqual(found, []);
}

/** No dead end: whatever a page leads to is a page of the table. */
async function checkLinks(page) {
  const paths = await page.evaluate(() => {
    const targets = [...document.querySelectorAll('a[href], form[action]')].map((found) => found.getAttribute('href') ?? found.getAttribute('action'));
    return targets.map((target) => new URL(target, location.href)).map((url) => (url.origin === location.origin ? url.pathname : url.href));
  });
  assert.ok(paths.length > 0, 'the page leads nowhere');
  for (const path of paths) assert.ok(isKnown(path), `leads to ${path}, which the table lacks`);
}

/** Tab reaches everything in the order of the page, and shows where it is. */
async function checkKeys(page) {
  const count = await page.evaluate(() => {
    const all = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]';
    const isGroup = (found) => found.type === 'radio' && found.name;
    const reached = [...document.querySelectorAll(all)].filter((found) => {
      if (found.disabled || !found.checkVisibility()) return false;
      if (found.hasAttribute('tabindex') && found.tabIndex < 0) return false;
      if (!isGroup(found) || found.checked) return true;
      const group = [...document.querySelectorAll(`input[type=radio][name="${found.name}"]`)];
      return !group.some((other) => other.checked) && group[0] === found;
    });
    const walk = { order: [], problems: [] };
    window.walk = walk;
    document.addEventListener('focusin', ({ target }) => {
      walk.order.push(reached.indexOf(target));
      const { outlineStyle, outlineWidth } = getComputedStyle(target);
      const isSeen = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
      const html = target.outerHTML.slice(0, 100);
      if (!isSeen) walk.problems.push(`the focus is not seen on ${html}`);
      const box = target.getBoundingClientRect();
      if (box.width < 1 || box.height < 1) walk.problems.push(`nothing is seen of ${html}`);
    });
    return reached.length;
  });
  for (let step = 0; step <= count; step += 1) await page.keyboard.press('Tab');
  const { order, problems } = await page.evaluate(() => window.walk);
  assert.deepEqual(problems, []);
  assert.ok(!order.includes(-1), `Tab reaches what it should not: ${order}`);
  assert.equal(new Set(order).size, count, `Tab does not reach all: ${order} of ${count}`);
  const isInOrder = order.every((place, step) => step === 0 || place === (order[step - 1] + 1) % count);
  assert.ok(isInOrder, `Tab leaves the order of the page: ${order}`);
}
