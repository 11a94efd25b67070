-- What happened to keys, users and the deployment, written in the transaction of each change. `seq` orders the changes of
-- one key, because whoever makes one holds the lock on its row. Sequence numbers of different keys commit in any order, so
-- readers use `position`: the sealer gives it to committed events, without gaps.
create table if not exists "keymint_event" (
    "seq" bigint generated always as identity primary key,
    "id" text not null unique,
    "at" bigint not null,
    "kind" text not null,
    "key_id" text,
    "owner" text,
    "config_id" text,
    "actor" text not null,
    "request_id" text,
    "data" text not null,
    "personal" text,
    "personal_hash" text,
    "position" bigint,
    "seal" text
);
create unique index if not exists "keymint_event_position_idx" on "keymint_event" ("position") where "position" is not null;
create index if not exists "keymint_event_unsealed_idx" on "keymint_event" ("seq") where "position" is null;
create index if not exists "keymint_event_key_idx" on "keymint_event" ("key_id", "position") where "key_id" is not null;
create index if not exists "keymint_event_owner_idx" on "keymint_event" ("owner", "position") where "owner" is not null;
create index if not exists "keymint_event_actor_idx" on "keymint_event" ("actor", "position");
create index if not exists "keymint_event_kind_idx" on "keymint_event" ("kind", "position");
create index if not exists "keymint_event_at_idx" on "keymint_event" ("at");

-- Both ends of the chain of sealed events. The fixed key keeps it to one row.
create table if not exists "keymint_event_chain" (
    "id" integer not null primary key check ("id" = 1),
    "start_position" bigint not null,
    "start_seal" text not null,
    "start_signature" text,
    "head_position" bigint not null,
    "head_seal" text not null
);
