// What both sides of every comparison share. This module comes first among the imports of every entry: the reference
// reads the environment while it is loaded, and checks origins in production only.
process.env.NODE_ENV = 'production';
for (const name of Object.keys(process.env)) {
  if (name.startsWith('BETTER_AUTH_')) delete process.env[name];
}

// No run waits for ever.
const PATIENCE_IN_MS = 300_000;
setTimeout(() => {
  console.log(`FAIL: not at an end after ${PATIENCE_IN_MS / 1000} s`);
  process.exit(1);
}, PATIENCE_IN_MS).unref();

export const BASE_PATH = '/api/auth';
export const SECRET = 'a-secret-that-both-sides-share-and-nobody-else';
export const SERVER_KEY = 'a-server-key-of-thirty-two-or-more';
export const TRUSTED_ORIGIN = 'https://app.example.com';
export const DAY_IN_MS = 86_400_000;
