-- Users who operate the server, beside those by their role and by the configuration. A user whom Better Auth removes leaves a
-- row that means nothing.
create table if not exists "keymint_operator" (
    "userId" text not null primary key,
    "since" timestamptz not null
);

-- Links that are used once, by the hash of their token. A reset has a user; a link of a portal has the owner of the keys, and
-- what the session that it opens may do.
create table if not exists "keymint_link" (
    "hash" text not null primary key,
    "purpose" text not null,
    "userId" text,
    "owner" text,
    "may" text,
    "returnUrl" text,
    "sessionSeconds" bigint,
    "createdAt" timestamptz not null,
    "expiresAt" timestamptz not null
);

create index if not exists "keymint_link_expiry_idx" on "keymint_link" ("expiresAt");

-- Sessions of guests who see the keys of one owner, by the hash of their token.
create table if not exists "keymint_portal_session" (
    "id" text not null primary key,
    "hash" text not null unique,
    "owner" text not null,
    "may" text not null,
    "returnUrl" text,
    "createdAt" timestamptz not null,
    "expiresAt" timestamptz not null
);

create index if not exists "keymint_portal_session_expiry_idx" on "keymint_portal_session" ("expiresAt");
