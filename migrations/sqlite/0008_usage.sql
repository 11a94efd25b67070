-- The statistics of uses. None of it decides about a key, and none of it refers to one: it outlives its key, for invoices.

-- Calls by key, hour and outcome: empty for accepted ones, else the code of the refusal. "hour" counts hours since 1970, so
-- that datetime("hour" * 3600, 'unixepoch') is the instant; "hours" is 1, or 24 for a day whose hours were rolled up.
create table if not exists "keymint_usage" (
    "keyId" text not null,
    "hour" integer not null,
    "hours" integer not null,
    "outcome" text not null,
    "calls" integer not null,
    "cost" integer not null,
    primary key ("keyId", "hour", "hours", "outcome")
) without rowid;

-- For those that are rolled up and removed first.
create index if not exists "keymint_usage_hour_idx" on "keymint_usage" ("hours", "hour");

-- Attempts with unknown keys, by hour, the configuration that they named, the configured prefix that they began with, and
-- the client's network. No other part of what was presented is kept.
create table if not exists "keymint_usage_unknown" (
    "hours" integer not null,
    "hour" integer not null,
    "configId" text not null,
    "prefix" text not null,
    "network" text not null,
    "calls" integer not null,
    primary key ("hours", "hour", "configId", "prefix", "network")
) without rowid;

-- What is known about a key that was used. It is not in the key's row, whose counters must stay without an index.
create table if not exists "keymint_activity" (
    "keyId" text not null primary key,
    "ownerId" text not null,
    "configId" text not null,
    "lastUsedAt" date,
    "lastNetwork" text
) without rowid;

create index if not exists "keymint_activity_ownerId_idx" on "keymint_activity" ("ownerId");
create index if not exists "keymint_activity_configId_idx" on "keymint_activity" ("configId");

-- The last portion that each process has added, so that a retry adds nothing twice.
create table if not exists "keymint_usage_flush" (
    "process" text not null primary key,
    "number" integer not null,
    "at" date not null
) without rowid;
