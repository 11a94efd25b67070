-- Readers ask for sealed events. An event enters these indexes when it is sealed, and not twice: before, each change of a key
-- paid for all of them, and the seal moved the entries of four.
drop index if exists "keymint_event_key_idx";
drop index if exists "keymint_event_owner_idx";
drop index if exists "keymint_event_actor_idx";
drop index if exists "keymint_event_kind_idx";
drop index if exists "keymint_event_at_idx";
create index "keymint_event_key_idx" on "keymint_event" ("key_id", "position")
    where "position" is not null and "key_id" is not null;
create index "keymint_event_owner_idx" on "keymint_event" ("owner", "position")
    where "position" is not null and "owner" is not null;
create index "keymint_event_actor_idx" on "keymint_event" ("actor", "position") where "position" is not null;
create index "keymint_event_kind_idx" on "keymint_event" ("kind", "position") where "position" is not null;
create index "keymint_event_at_idx" on "keymint_event" ("at") where "position" is not null;
