-- The networks that keys were used from, of configurations that look for anomalies. It decides about no key.
create table if not exists "keymint_key_network" (
    "keyId" text not null,
    "network" text not null,
    "firstSeen" date not null,
    "lastSeen" date not null,
    primary key ("keyId", "network")
) without rowid;

-- For those that are forgotten first.
create index if not exists "keymint_key_network_lastSeen_idx" on "keymint_key_network" ("lastSeen");
