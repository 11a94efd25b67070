// The current Better Auth.
export { apiKey } from '@better-auth/api-key';
export { betterAuth } from 'better-auth';
export { getMigrations } from 'better-auth/db/migration';
export { toNodeHandler } from 'better-auth/node';
export { SqliteDialect } from 'kysely';
