-- Who made a key, as events name actors. Null for keys that Better Auth made, or that are older. It decides nothing.
alter table "apikey" add column if not exists "keymint_created_by" text;

-- What Better Auth's columns have no room for, as JSON: {"refillInterval":34560000000,"refillEvery":"month",
-- "rateLimitTimeWindow":34560000000}. Null for ordinary keys. Nullable, for the reason that 0002 gives.
alter table "apikey" add column if not exists "keymint_terms" text;
