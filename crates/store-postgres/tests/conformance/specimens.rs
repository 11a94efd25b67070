use keymint_conformance::{Odd, Specimens};
use keymint_domain::Timestamp;

/// The words and values of Postgres.
pub(crate) const SPECIMENS: Specimens = Specimens {
    flag: "boolean",
    instant: "timestamptz",
    key_form: r#"concat_ws(' ', "remaining", "lastRequest" at time zone 'UTC', "enabled", "createdAt" at time zone 'UTC',
        "metadata", "permissions" is null, "configId")"#,
    spent_key: "2 2026-01-02 03:04:05.6 t 2023-11-14 22:13:20 null t default",
    new_key: "t 2023-11-14 22:13:20 null t default",
    identity_forms: IDENTITY_FORMS,
    corrupt_keys: CORRUPT_KEYS,
    corrupt_role: r#"alter table "member" alter "role" drop not null; update "member" set "role" = null"#,
    odd_keys: ODD_KEYS,
    column_form: r#"coalesce("COLUMN"::text, 'null')"#,
    odd_instants: &[
        ("user", "createdAt", "'infinity'"),
        ("user", "updatedAt", "'10000-01-01Z'"),
        ("user", "banExpires", "'-infinity'"),
        ("session", "expiresAt", "'infinity'"),
        ("session", "createdAt", "'0044-03-15 BC'"),
        ("session", "updatedAt", "'-infinity'"),
    ],
    keepers: &[
        r#"create table "invoice" ("key" text references "apikey" ("id"))"#,
        r#"create table "invoice" ("key" text references "apikey" ("id") on delete restrict)"#,
        r#"create table "invoice" ("key" text references "apikey" ("id") deferrable initially deferred)"#,
        r#"create table "invoice" ("key" text);
           create function "keep"() returns trigger language plpgsql as $$ begin
               if old."id" in (select "key" from "invoice") then raise 'it was paid for'; end if;
               return old;
           end $$;
           create trigger "keep" before delete on "apikey" for each row execute function "keep"()"#,
    ],
    schema: "select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
        from information_schema.columns where table_schema = 'public'
        union all select indexdef from pg_indexes where schemaname = 'public' order by 1",
    tables: "select tablename::text from pg_tables where schemaname = 'public' order by 1",
    added_columns: (
        "select concat_ws(' ', table_name, column_name, is_nullable) from information_schema.columns
            where table_name not like 'keymint_%' and column_name like 'keymint_%' order by 1",
        &[
            "apikey keymint_addresses YES",
            "apikey keymint_backlog_ns YES",
            "apikey keymint_created_by YES",
            "apikey keymint_foreign_hash YES",
            "apikey keymint_foreign_lookup YES",
            "apikey keymint_revoked_at YES",
            "apikey keymint_revoked_by YES",
            "apikey keymint_rotated_at YES",
            "apikey keymint_rotation YES",
            "apikey keymint_second_key YES",
            "apikey keymint_terms YES",
        ],
    ),
    migrations: "21",
};

const IDENTITY_FORMS: &[(&str, &str)] = &[
    (
        r#"select concat_ws(' ', "email", "emailVerified", "image" is null, "createdAt" at time zone 'UTC',
            "updatedAt" at time zone 'UTC') from "user" where "id" = 'eve'"#,
        "eve@example.org f t 2023-11-14 22:13:20 2023-11-14 22:13:20",
    ),
    (
        r#"select concat_ws(' ', "id", "accountId", "providerId", "userId", "password", "accessToken" is null,
            "createdAt" at time zone 'UTC', "updatedAt" at time zone 'UTC') from "account""#,
        "the account of eve eve credential eve the hash of eve t 2023-11-14 22:13:20 2023-11-14 22:13:20",
    ),
    (
        r#"select concat_ws(' ', "id", "userId", "token", "expiresAt" at time zone 'UTC', "ipAddress" is null,
            "userAgent" is null) from "session""#,
        "token eve token 2023-11-21 22:13:20 f t",
    ),
    (
        r#"select concat_ws(' ', "name", "slug", "createdAt" at time zone 'UTC', "logo" is null, "metadata" is null)
            from "organization""#,
        "the one of acme acme 2023-11-14 22:13:20 t t",
    ),
];

/// Postgres keeps most of what makes no sense out of its columns; these are the values that it lets in.
const CORRUPT_KEYS: &[(&str, &str)] = &[
    ("referenceId", "''"),
    ("permissions", "'{'"),
    ("permissions", r#"'{"files":"read"}'"#),
    ("metadata", "'{oops'"),
    ("keymint_backlog_ns", "-1"),
    ("keymint_addresses", "'{'"),
    ("keymint_addresses", "''"),
    ("keymint_addresses", r#"'{"allowed":["10.0.0.1/8"],"denied":[]}'"#),
    ("keymint_terms", "'{'"),
    ("keymint_terms", r#"'{"refillEvery":"year"}'"#),
    ("keymint_second_key", "'alone'"),
    ("keymint_rotation", r#"'{"stage":"grace","endsAt":1}'"#),
    ("keymint_foreign_hash", "'sha512:'"),
];

const ODD_KEYS: &[Odd] = &[
    ("rateLimitMax", "-2147483648", |key| key.details.rate_limit_max == Some(0)),
    ("rateLimitTimeWindow", "-1", |key| key.details.rate_limit_window_ms == Some(0)),
    ("refillInterval", "-1", |key| key.details.refill_interval_ms == Some(0)),
    ("refillAmount", "-5", |key| key.details.refill_amount == Some(0)),
    ("remaining", "-1", |key| key.usage.remaining == Some(0)),
    ("requestCount", "-1", |key| key.usage.request_count == 0),
    ("referenceId", "'LONG'", |key| key.details.owner.as_str().len() == 5000),
    ("expiresAt", "'infinity'", |key| key.details.expires_at.is_none()),
    ("expiresAt", "'-infinity'", |key| key.details.expires_at == Some(Timestamp::MIN)),
    ("expiresAt", "'294276-12-31'", |key| key.details.expires_at == Some(Timestamp::MAX)),
    ("lastRefillAt", "'infinity'", |key| key.usage.last_refill_at == Some(Timestamp::MAX)),
    ("lastRequest", "'0044-03-15 BC'", |key| key.usage.last_request == Some(Timestamp::MIN)),
    ("createdAt", "'-infinity'", |key| key.details.created_at == Timestamp::MIN),
    ("updatedAt", "'10000-01-01Z'", |key| key.usage.updated_at == Timestamp::MAX),
    ("metadata", r#"'{"half":"\ud800"}'"#, |key| key.details.metadata.is_some()),
    ("permissions", r#"'{"files":["\ud800"]}'"#, |key| key.details.permissions.is_some()),
    ("permissions", "''", |key| key.details.permissions.is_none()),
];
