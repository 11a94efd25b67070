-- The rotation of a key's secret. `key` holds the secret in use; the other one of a rotation under way is here, with the
-- stage of the rotation as JSON: {"stage":"pending","since":1700000000000,"cancelsAt":1700604800000,"graceMs":86400000,
-- "start":"sk_abc"}, or {"stage":"grace","endsAt":1700086400000}. Both are null for ordinary keys. The last column is the
-- instant at which the secret in use took the place of another one. Nullable, for the reason that 0002 gives.
alter table "apikey" add column "keymint_second_key" text;
alter table "apikey" add column "keymint_rotation" text;
alter table "apikey" add column "keymint_rotated_at" date;

-- A presented key that is no secret in use may be a second one. Uses do not change the column.
create index if not exists "keymint_apikey_second_idx" on "apikey" ("keymint_second_key")
    where "keymint_second_key" is not null;
