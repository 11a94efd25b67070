-- From where a key may be used, as JSON: {"allowed":["10.0.0.0/8"],"denied":[]}. It lives in the row, because every
-- verification reads it. Null where a key has no such rules. Nullable, for the reason that 0002 gives.
alter table "apikey" add column if not exists "keymint_addresses" text;
