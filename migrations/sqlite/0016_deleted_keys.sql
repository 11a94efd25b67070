-- Deleted keys that can be restored: rows of `apikey` as they were, and their deletion. A later migration that adds a column
-- to `apikey` adds it here too.
create table if not exists "keymint_deleted_key" as select * from "apikey" limit 0;
alter table "keymint_deleted_key" add column "keymint_deleted_at" date;
alter table "keymint_deleted_key" add column "keymint_deleted_by" text;
alter table "keymint_deleted_key" add column "keymint_deleted_until" date;

create unique index if not exists "keymint_deleted_key_id_idx" on "keymint_deleted_key" ("id");
-- For those that are removed first.
create index if not exists "keymint_deleted_key_until_idx" on "keymint_deleted_key" ("keymint_deleted_until");
