// Draws docs/pictures from the running program: `KEYMINT_BINARY=... node pictures.mjs`.
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { launch } from './browser.mjs';
import { addUses, changeKey, signUp } from './world/people.mjs';
import { startServer } from './world/server.mjs';

const FOLDER = path.join(import.meta.dirname, '../../docs/pictures');
const MOST_BYTES = 150_000;
const SIZE = { width: 1160, height: 700 };
const DAY_IN_MS = 86_400_000;

const CONFIGURATION = `
[[api_key]]
enable_metadata = true
undelete_days = 7
default_prefix = "acme_"
starting_characters = { length = 10 }
rate_limit = { window_ms = 60000, max_requests = 600 }
grantable = { orders = ["read", "write"], reports = ["read"] }
permission_descriptions = { "orders:read" = "Sees orders.", "orders:write" = "Changes orders.", "reports:read" = "Sees reports." }
`;

/** Name, age in days, the uses of seven days from the oldest, minutes since the last use, and more. */
const KEYS = [
  ['Checkout of the shop', 212, [5120, 6011, 5874, 6402, 3011, 2895, 4870], 1, { expiresIn: 153 }],
  ['Nightly export', 96, [240, 238, 241, 240, 239, 242, 240], 310, { remaining: 3412, refillAmount: 10_000, refillInterval: 30 * DAY_IN_MS }],
  ['Mobile app, staging', 41, [82, 310, 12, 0, 0, 7, 150], 95, {}],
  ['Northwind Ltd', 180, [900, 1210, 1405, 1380, 1502, 1610, 988], 12, { expiresIn: 5 }],
  ['Data warehouse', 365, [0, 0, 0, 0, 0, 0, 0], 130 * 1440, {}],
  ['Old checkout', 420, [0, 0, 0, 0, 0, 0, 0], 60 * 1440, {}],
  ['Ada’s laptop', 3, [0, 0, 0, 0, 3, 11, 6], 4 * 60, { expiresIn: 27 }],
];

const [browser, server] = await Promise.all([launch(), startServer({ rest: CONFIGURATION })]);
try {
  const ada = await signUp(server, 'Ada Lovelace', 'ada@example.com');
  const made = new Map();
  for (const [name, age, uses, minutes, { expiresIn, ...more }] of [...KEYS].reverse()) {
    const permissions = { orders: ['read', 'write'], reports: ['read'] };
    const key = await server.call('api-key/create', { userId: ada.id, name, permissions, ...more });
    made.set(name, key);
    const instant = (days) => new Date(Date.now() + days * DAY_IN_MS).toISOString();
    changeKey(server, key.id, {
      createdAt: instant(-age),
      lastRequest: new Date(Date.now() - minutes * 60_000).toISOString(),
      expiresAt: expiresIn ? instant(expiresIn) : null,
    });
    addUses(server, key.id, uses.map((calls, place) => [6 - place, calls, place === 3 ? Math.round(calls / 60) : 0]));
  }
  await server.call('api-key/revoke', { id: made.get('Old checkout').id });
  const shop = made.get('Checkout of the shop');
  const wave = (day) => Math.round(4200 + 1800 * Math.sin(day / 1.9) + 900 * Math.cos(day / 3.1) + (6 - (day % 7)) * 110);
  addUses(server, shop.id, Array.from({ length: 29 }, (_, day) => [day + 1, wave(day), day % 9 === 4 ? 640 : day % 4 === 0 ? 90 : 0]));

  await mkdir(FOLDER, { recursive: true });
  const context = await browser.newContext({
    baseURL: server.origin,
    viewport: SIZE,
    deviceScaleFactor: 1.2,
    colorScheme: 'light',
    locale: 'en-GB',
    timezoneId: 'Europe/London',
    reducedMotion: 'reduce',
  });
  const cut = ada.cookie.indexOf('=');
  await context.addCookies([{ name: ada.cookie.slice(0, cut), value: ada.cookie.slice(cut + 1), url: server.origin }]);
  const page = await context.newPage();
  await page.goto('/console/keys');
  await draw(page, 'keys.png', '#results');
  await page.goto(`/console/keys/${shop.id}?usage=30d`);
  await draw(page, 'key.png', '#usage');
} finally {
  await browser.close();
  await server.stop();
}
process.exit(process.exitCode);

/** Draws a page down to the end of an element. */
async function draw(page, name, last) {
  const file = path.join(FOLDER, name);
  const end = await page.locator(last).evaluate((found) => found.getBoundingClientRect().bottom);
  await page.screenshot({ path: file, fullPage: true, clip: { x: 0, y: 0, width: SIZE.width, height: Math.ceil(end) + 10 } });
  const { size } = await stat(file);
  console.log(`${file}: ${size} bytes`);
  if (size > MOST_BYTES) {
    console.log(`FAIL: it has more than ${MOST_BYTES} bytes`);
    process.exitCode = 1;
  }
}
