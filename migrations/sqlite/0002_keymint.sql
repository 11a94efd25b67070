-- What Keymint needs beyond Better Auth's tables. Better Auth refuses to start on a required column that it does not
-- know, so that what is added to its tables is nullable, and everything else is a table of our own.

-- How far a rate-limited key is ahead of its rate. It lives in the row, because a verification reads and writes both
-- together. Null where only Better Auth has counted.
alter table "apikey" add column "keymint_backlog_ns" integer;

-- Clean-up looks for the keys that expired first. Better Auth has no index on the column; most keys never expire.
create index if not exists "keymint_apikey_expiresAt_idx" on "apikey" ("expiresAt") where "expiresAt" is not null;

-- What backends show to act for anybody. Revoked ones stay, so that a first start is told from a later one.
create table if not exists "keymint_server_key" (
    "id" text not null primary key,
    "name" text,
    "start" text not null,
    "hash" text not null,
    "createdAt" date not null,
    "revokedAt" date
);
