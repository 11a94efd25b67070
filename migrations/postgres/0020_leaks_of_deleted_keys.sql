-- A report of a leaked secret looks for it among the deleted keys, too. A thousand texts are looked for at once, on the word
-- of anybody.
create index if not exists "keymint_deleted_key_key_idx" on "keymint_deleted_key" ("key");
create index if not exists "keymint_deleted_key_second_idx" on "keymint_deleted_key" ("keymint_second_key")
    where "keymint_second_key" is not null;
