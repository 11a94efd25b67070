// Better Auth 1.7.1, whose accounts have a required `issuer`. It has a folder of its own for npm's sake.
export { apiKey } from '@better-auth/api-key';
export { betterAuth } from 'better-auth';
export { getMigrations } from 'better-auth/db/migration';
export { toNodeHandler } from 'better-auth/node';
export { SqliteDialect } from 'kysely';
