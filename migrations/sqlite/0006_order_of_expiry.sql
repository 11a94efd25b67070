-- Clean-up takes the keys that expired first, and of those with one instant the first ids. The index of 0002 knows instants
-- alone, so that of many keys with one instant all were sorted for every portion.
create index if not exists "keymint_apikey_expiry_idx" on "apikey" ("expiresAt", "id") where "expiresAt" is not null;
drop index if exists "keymint_apikey_expiresAt_idx";
