-- The hash by which another system knew a key: "sha512:..", "hmac-sha256:PEPPER:..", or a slow hash in its own form. The key
-- is stored under the hash of random bytes until its first use, which clears this. Null for all other keys. Nullable, for
-- the reason that 0002 gives.
alter table "apikey" add column if not exists "keymint_foreign_hash" text;

-- The text by which such a key is found: the digest, or "start:08:" with its first characters. After the first use it is
-- "rehashed:" with a digest of the foreign hash, by which a repeated import knows the key.
alter table "apikey" add column if not exists "keymint_foreign_lookup" text collate "C";
create index if not exists "keymint_apikey_foreign_idx" on "apikey" ("keymint_foreign_lookup")
    where "keymint_foreign_lookup" is not null;

-- Deleted keys have every column of keys.
alter table "keymint_deleted_key" add column if not exists "keymint_foreign_hash" text;
alter table "keymint_deleted_key" add column if not exists "keymint_foreign_lookup" text collate "C";
