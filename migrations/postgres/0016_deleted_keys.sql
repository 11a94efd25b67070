-- Deleted keys that can be restored: rows of `apikey` as they were, and their deletion. A later migration that adds a column
-- to `apikey` adds it here too.
-- Columns that must not be null in `apikey` may be here: whoever has added some gives them no value.
create table if not exists "keymint_deleted_key" as table "apikey" with no data;
alter table "keymint_deleted_key" add column if not exists "keymint_deleted_at" timestamptz not null;
alter table "keymint_deleted_key" add column if not exists "keymint_deleted_by" text not null;
alter table "keymint_deleted_key" add column if not exists "keymint_deleted_until" timestamptz not null;

create unique index if not exists "keymint_deleted_key_id_idx" on "keymint_deleted_key" ("id");
-- For those that are removed first.
create index if not exists "keymint_deleted_key_until_idx" on "keymint_deleted_key" ("keymint_deleted_until");
