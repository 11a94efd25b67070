-- The last use of a server key by any process, to a minute: a key that nobody uses can be revoked.
alter table "keymint_server_key" add column "lastUsedAt" date;
