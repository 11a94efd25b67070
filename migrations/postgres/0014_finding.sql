-- Lists are in order of creation, of all keys or of one owner's, and a search finds the beginning of a start or of a name.
-- Uses change none of these columns, so that updates stay heap-only.
create index if not exists "keymint_apikey_created_idx" on "apikey" ("createdAt", "id" collate "C");
create index if not exists "keymint_apikey_owner_idx" on "apikey" ("referenceId", "createdAt", "id" collate "C");
create index if not exists "keymint_apikey_start_idx" on "apikey" ("start" collate "C") where "start" is not null;
create index if not exists "keymint_apikey_name_idx" on "apikey" (lower("name" collate "C")) where "name" is not null;
