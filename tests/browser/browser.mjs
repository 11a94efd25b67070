// Real Chromium, and visitors who watch all that a page does.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const PATIENCE_IN_MS = 15_000;
export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 375, height: 812 };

/** The folder that keeps the screenshots of failures. */
const KEPT = process.env.KEYMINT_BROWSER_KEPT ?? path.join(import.meta.dirname, '../../target/browser');

/** Debian's Chromium. Its own sandbox refuses root. */
const CHROMIUM = {
  executablePath: process.env.KEYMINT_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--disable-dev-shm-usage', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
};

/** Starts Chromium. */
export async function launch() {
  return chromium.launch(CHROMIUM);
}

/** Opens a browser that blocks the cookies of third parties, which is a setting of a profile on the disk. */
export async function visitBlocking(server, others) {
  const profile = await mkdtemp(path.join(tmpdir(), 'keymint-profile-'));
  await mkdir(path.join(profile, 'Default'));
  const preferences = { profile: { cookie_controls_mode: 1, block_third_party_cookies: true } };
  await writeFile(path.join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, { ...CHROMIUM, ignoreHTTPSErrors: true, baseURL: server.origin });
  context.setDefaultTimeout(PATIENCE_IN_MS);
  // Chromium may still write there for a moment.
  context.on('close', () => rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  const visitor = new Visitor(context, server, others);
  visitor.page = await visitor.tab();
  return visitor;
}

/** Opens a browser of its own for somebody: their cookies, one page, and everything that goes wrong in it. */
export async function visit(browser, server, options = {}) {
  const { user, others = [], theme = 'light', size = DESKTOP, scripts = true, zone = 'UTC', fault, patience = PATIENCE_IN_MS } = options;
  const context = await browser.newContext({
    baseURL: server.origin,
    viewport: size,
    colorScheme: theme,
    javaScriptEnabled: scripts,
    locale: 'en-GB',
    timezoneId: zone,
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(patience);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.origin });
  if (user?.cookie) await context.addCookies([cookie(user.cookie, server.origin)]);
  if (user?.cookies) await context.addCookies(user.cookies);
  const visitor = new Visitor(context, server, others);
  if (fault) await plant(context, fault, server);
  visitor.page = await visitor.tab();
  return visitor;
}

function cookie(pair, url) {
  const cut = pair.indexOf('=');
  return { name: pair.slice(0, cut), value: pair.slice(cut + 1), url };
}

class Visitor {
  constructor(context, server, others) {
    this.context = context;
    this.server = server;
    /** The origins besides the server's that the check itself leads to. */
    this.others = others;
    /** The addresses of all requests, with their referrers. */
    this.addresses = [];
    /** What no page may do. */
    this.problems = [];
    this.statuses = new Set();
    this.tabs = [];
    this.dialogs = [];
    context.on('request', (request) => this.#asked(request));
    context.on('response', (response) => this.#answered(response));
    context.on('console', (message) => this.#printed(message));
    context.on('weberror', (error) => this.problems.push(`a script failed: ${error.error().message}`));
  }

  /** Opens another tab. */
  async tab() {
    const page = await this.context.newPage();
    this.tabs.push(page);
    page.on('dialog', async (dialog) => {
      const answer = this.dialogs.shift();
      if (answer === undefined) this.problems.push(`an unexpected dialog: ${dialog.type()} ${dialog.message()}`);
      await (answer === 'dismiss' ? dialog.dismiss() : dialog.accept());
    });
    return page;
  }

  /** Says which failing statuses the check is about; all others are problems. */
  allow(...statuses) {
    statuses.forEach((status) => this.statuses.add(status));
  }

  /** Goes to an address, and returns the status of the page. */
  async goto(address, page = this.page) {
    const answer = await page.goto(address);
    return answer?.status();
  }

  async close() {
    await this.context.close();
  }

  #asked(request) {
    const address = request.url();
    const referrer = request.headers().referer;
    this.addresses.push(address, ...(referrer ? [referrer] : []));
    const isOurs = [this.server.origin, ...this.others].some((origin) => address.startsWith(`${origin}/`)) || /^(data|blob|about):/.test(address);
    if (!isOurs) this.problems.push(`a request left the origin: ${address}`);
  }

  #answered(response) {
    const status = response.status();
    if (status >= 400 && !this.statuses.has(status)) {
      this.problems.push(`${response.request().method()} ${response.url()} answers ${status}`);
    }
  }

  #printed(message) {
    if (!['error', 'warning'].includes(message.type())) return;
    // Chromium prints every failing status, and #answered judges those.
    if (/^Failed to load resource: the server responded with a status of \d+/.test(message.text())) return;
    // The first field of a page in another site's frame does not take the focus from that site, and Chromium says so.
    if (/^Blocked autofocusing on a <\w+> element in a cross-origin subframe\.$/.test(message.text())) return;
    this.problems.push(`the console has: ${message.text()}`);
  }
}

/**
 * Plants a fault: changes what the server answers (`html`, `style`, `script`, `theme`, `headers`, `status`), or what it is
 * sent (`twice`, `stale`, `lost`), or does something with a secret that was made (`withSecret`).
 */
async function plant(context, fault, server) {
  const change = async (route, text) => {
    const answer = await route.fetch({ maxRedirects: 0 });
    const headers = { ...answer.headers(), ...fault.headers };
    Object.keys(headers).forEach((name) => headers[name] === undefined && delete headers[name]);
    if (answer.status() >= 300 && answer.status() < 400) return route.fulfill({ response: answer, headers });
    return route.fulfill({ status: fault.status ?? answer.status(), headers, body: await text(await answer.text()) });
  };
  const only = (matches, text) => context.route((url) => matches(url.pathname), (route) => change(route, text));
  const isAsset = (path) => path.startsWith('/console/assets/');
  if (fault.html) await only((path) => path.startsWith('/console') && !isAsset(path), fault.html);
  if (fault.style) await only((path) => /\/console\.[^/]*\.css$/.test(path), fault.style);
  if (fault.script) await only((path) => /\/console\.[^/]*\.js$/.test(path), fault.script);
  if (fault.theme) await only((path) => /\/theme\.[^/]*\.js$/.test(path), fault.theme);
  const hidden = async (address, name) => {
    const html = await (await context.request.get(address)).text();
    return html.match(new RegExp(`name="${name}" value="([^"]*)"`))[1];
  };
  if (fault.twice) {
    await context.route('**/console/keys/new', async (route) => {
      const request = route.request();
      if (request.method() === 'POST') {
        const form = new URLSearchParams(request.postData());
        form.set('form', await hidden(request.url(), 'form'));
        await context.request.post(request.url(), { data: form.toString(), headers: await request.allHeaders() });
      }
      return route.continue();
    });
  }
  if (fault.withSecret) {
    await only((path) => path === '/console/keys/new', (html) => {
      const secret = html.match(/ id="secret"[^>]*>([^<]+)/)?.[1];
      return secret ? fault.withSecret(secret, { context, server }).then(() => html) : html;
    });
  }
  const send = (address, name, value) =>
    context.route(address, async (route) => {
      const request = route.request();
      if (request.method() !== 'POST') return route.continue();
      const form = new URLSearchParams(request.postData());
      form.set(name, await value(request.url()));
      return route.continue({ postData: form.toString() });
    });
  if (fault.stale) await send('**/edit', 'version', (url) => hidden(url, 'version'));
  if (fault.lost) await send('**/console/sign-in', 'then', () => '');
}

/** Runs cases, some at a time, each with visitors of its own. Prints each failure with its screenshots. */
export async function run(browser, server, cases, { atOnce = 3 } = {}) {
  const waiting = [...cases];
  let failed = 0;
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      if (!(await runOne(browser, server, next))) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return failed;
}

async function runOne(browser, server, { name, run: body }) {
  const visitors = [];
  const open = async (options) => {
    const visitor = await visit(browser, options?.server ?? server, options);
    visitors.push(visitor);
    return visitor;
  };
  const began = performance.now();
  let failure;
  try {
    await body(open);
    judge(visitors);
  } catch (error) {
    failure = error;
  }
  if (failure) {
    const kept = await keep(name, visitors);
    console.log(`FAIL ${name}: ${failure.stack ?? failure}`);
    visitors.flatMap(({ problems }) => problems).forEach((problem) => console.log(`     ${problem}`));
    kept.forEach((file) => console.log(`     screenshot: ${file}`));
  } else if (process.env.KEYMINT_BROWSER_TIMES) {
    console.log(`ok ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  }
  await Promise.all(visitors.map((visitor) => visitor.close()));
  return !failure;
}

/** Fails if a page did what no page may do. */
export function judge(visitors) {
  const problems = visitors.flatMap((visitor) => visitor.problems);
  if (problems.length > 0) throw new Error(problems.join('; '));
}

async function keep(name, visitors) {
  await mkdir(KEPT, { recursive: true });
  const kept = [];
  for (const page of visitors.flatMap((visitor) => visitor.tabs).filter((page) => !page.isClosed())) {
    const file = path.join(KEPT, `${name.replace(/[^a-z0-9]+/gi, '-').slice(0, 80)}-${kept.length + 1}.png`);
    try {
      await page.screenshot({ path: file, fullPage: true, timeout: 5000 });
      kept.push(file);
    } catch {
      // A page that hangs has no picture; the failure itself is told.
    }
  }
  return kept;
}
