-- Revocations, and what signing in without a Better Auth server needs. What is added to Better Auth's tables is nullable,
-- for the reason that 0002 gives.

-- When a key was revoked, and by whom: `server` or `user:ID`. They live in the row, because every verification reads
-- both. A revoked key is disabled too, so that a Better Auth server refuses it; null where a key was not revoked.
alter table "apikey" add column "keymint_revoked_at" date;
alter table "apikey" add column "keymint_revoked_by" text;

-- What signs cookies where the configuration names no secret. The fixed key keeps it to one row, so that processes which
-- start at once agree on one secret.
create table if not exists "keymint_secret" (
    "id" integer not null primary key check ("id" = 1),
    "secret" text not null
);
