use keymint_conformance::{Odd, Specimens, sample};
use keymint_domain::Timestamp;

/// The largest number that JavaScript holds exactly.
const EXACT: u64 = 9_007_199_254_740_991;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The words and values of SQLite.
pub(crate) const SPECIMENS: Specimens = Specimens {
    flag: "integer",
    instant: "date",
    key_form: r#"concat_ws(' ', typeof("remaining"), "remaining", typeof("lastRequest"), "lastRequest", typeof("enabled"),
        "enabled", "createdAt", "metadata", typeof("permissions"), "configId")"#,
    spent_key: "integer 2 text 2026-01-02T03:04:05.600Z integer 1 2023-11-14T22:13:20.000Z null null default",
    new_key: "null null integer 1 2023-11-14T22:13:20.000Z null null default",
    identity_forms: IDENTITY_FORMS,
    corrupt_keys: CORRUPT_KEYS,
    corrupt_role: r#"update "member" set "role" = x'ff'"#,
    odd_keys: ODD_KEYS,
    column_form: r#"typeof("COLUMN") || quote("COLUMN")"#,
    odd_instants: &[
        ("user", "updatedAt", "current_timestamp"),
        ("user", "createdAt", "1700000000000"),
        ("session", "expiresAt", "datetime('now', '+1 day')"),
        ("session", "updatedAt", "'+010000-01-01T00:00:00.000Z'"),
    ],
    keepers: &[
        r#"create table "invoice" ("key" text references "apikey" ("id"))"#,
        r#"create table "invoice" ("key" text references "apikey" ("id") on delete restrict)"#,
        r#"create table "invoice" ("key" text references "apikey" ("id") deferrable initially deferred)"#,
        r#"create table "invoice" ("key" text);
           create trigger "keep" before delete on "apikey" when old."id" in (select "key" from "invoice")
               begin select raise(abort, 'it was paid for'); end"#,
        r#"create table "invoice" ("key" text);
           create trigger "keep" before delete on "apikey" when old."id" in (select "key" from "invoice")
               begin select raise(rollback, 'it was paid for'); end"#,
    ],
    schema: "select coalesce(sql, name) from sqlite_schema order by 1",
    tables: "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name",
    added_columns: (
        r#"select t.name || '.' || c.name || ' ' || c."notnull" from sqlite_schema t, pragma_table_info(t.name) c
            where t.type = 'table' and t.name not like 'keymint_%' and c.name like 'keymint_%'"#,
        &[
            "apikey.keymint_backlog_ns 0",
            "apikey.keymint_revoked_at 0",
            "apikey.keymint_revoked_by 0",
            "apikey.keymint_addresses 0",
            "apikey.keymint_created_by 0",
            "apikey.keymint_terms 0",
            "apikey.keymint_second_key 0",
            "apikey.keymint_rotation 0",
            "apikey.keymint_rotated_at 0",
            "apikey.keymint_foreign_hash 0",
            "apikey.keymint_foreign_lookup 0",
        ],
    ),
    migrations: "20",
};

const IDENTITY_FORMS: &[(&str, &str)] = &[
    (
        r#"select concat_ws(' ', "email", typeof("emailVerified"), "emailVerified", typeof("image"), typeof("createdAt"),
            "createdAt", "updatedAt") from "user" where "id" = 'eve'"#,
        "eve@example.org integer 0 null text 2023-11-14T22:13:20.000Z 2023-11-14T22:13:20.000Z",
    ),
    (
        r#"select concat_ws(' ', "id", "accountId", "providerId", "userId", "password", typeof("accessToken"),
            typeof("createdAt"), "createdAt", "updatedAt") from "account""#,
        "the account of eve eve credential eve the hash of eve null text 2023-11-14T22:13:20.000Z \
         2023-11-14T22:13:20.000Z",
    ),
    (
        r#"select concat_ws(' ', "id", "userId", "token", typeof("expiresAt"), "expiresAt", typeof("ipAddress"),
            typeof("userAgent")) from "session""#,
        "token eve token text 2023-11-21T22:13:20.000Z text null",
    ),
    (
        r#"select concat_ws(' ', "name", "slug", typeof("createdAt"), "createdAt", typeof("logo"), typeof("metadata"))
            from "organization""#,
        "the one of acme acme text 2023-11-14T22:13:20.000Z null null",
    ),
];

/// Texts where numbers belong, bytes that are no text, dates and JSON that are none.
const CORRUPT_KEYS: &[(&str, &str)] = &[
    ("configId", "x'ff'"),
    ("name", "x'80'"),
    ("start", "x'00'"),
    ("referenceId", "''"),
    ("referenceId", "x'ff'"),
    ("prefix", "x'ff'"),
    ("lastRefillAt", "'yesterday'"),
    ("enabled", "2"),
    ("enabled", "'yes'"),
    ("rateLimitEnabled", "-1"),
    ("rateLimitEnabled", "x'01'"),
    ("rateLimitTimeWindow", "'long'"),
    ("remaining", "'many'"),
    ("expiresAt", "'tomorrow'"),
    ("expiresAt", "'2026-13-01T00:00:00.000Z'"),
    ("refillAmount", "x'01'"),
    ("createdAt", "'2026-02-30 00:00:00'"),
    ("updatedAt", "x'ff'"),
    ("permissions", "'{'"),
    ("permissions", r#"'{"files":"read"}'"#),
    ("metadata", "'{oops'"),
    ("metadata", "x'7b7d'"),
    ("keymint_backlog_ns", "-1"),
    ("keymint_revoked_at", "'once'"),
    ("keymint_revoked_by", "x'ff'"),
    ("keymint_addresses", "'{'"),
    ("keymint_addresses", "''"),
    ("keymint_addresses", r#"'{"allowed":["10.0.0.1/8"],"denied":[]}'"#),
    ("keymint_addresses", "x'7b7d'"),
    ("keymint_terms", "'{'"),
    ("keymint_terms", r#"'{"refillEvery":"year"}'"#),
    ("keymint_rotated_at", "'once'"),
    ("keymint_second_key", "'alone'"),
    ("keymint_rotation", r#"'{"stage":"grace","endsAt":1}'"#),
    ("keymint_terms", "x'7b7d'"),
    ("keymint_foreign_hash", "'sha512:'"),
    ("keymint_foreign_hash", "x'7368'"),
];

const ODD_KEYS: &[Odd] = &[
    ("rateLimitMax", "-1", |key| key.details.rate_limit_max == Some(0)),
    ("rateLimitMax", "1.5", |key| key.details.rate_limit_max == Some(2)),
    ("rateLimitMax", "1e30", |key| key.details.rate_limit_max == Some(EXACT)),
    ("rateLimitMax", "9007199254740993", |key| key.details.rate_limit_max == Some(EXACT + 2)),
    ("rateLimitTimeWindow", "-0.5", |key| key.details.rate_limit_window_ms == Some(0)),
    ("rateLimitTimeWindow", "0.5", |key| key.details.rate_limit_window_ms == Some(1)),
    ("refillInterval", "-1", |key| key.details.refill_interval_ms == Some(0)),
    ("refillAmount", "0.5", |key| key.details.refill_amount == Some(1)),
    ("remaining", "-0.5", |key| key.usage.remaining == Some(0)),
    ("remaining", "1.5", |key| key.usage.remaining == Some(2)),
    ("requestCount", "-3", |key| key.usage.request_count == 0),
    ("referenceId", "'LONG'", |key| key.details.owner.as_str().len() == 5000),
    ("expiresAt", "'+010056-11-27T19:16:23.627Z'", |key| key.details.expires_at == Some(Timestamp::MAX)),
    ("expiresAt", "'2033-05-18 03:33:20'", |key| key.details.expires_at == Some(at("2033-05-18T03:33:20.000Z"))),
    ("expiresAt", "2000000000000", |key| key.details.expires_at == Some(at("2033-05-18T03:33:20.000Z"))),
    ("expiresAt", "2000000000000.5", |key| key.details.expires_at == Some(at("2033-05-18T03:33:20.000Z"))),
    ("lastRequest", "'2023-11-14'", |key| key.usage.last_request == Some(at("2023-11-14T00:00:00.000Z"))),
    ("lastRefillAt", "strftime('%Y-%m-%d %H:%M:%f', '2023-11-14')", |key| {
        key.usage.last_refill_at == Some(at("2023-11-14T00:00:00.000Z"))
    }),
    ("createdAt", "'2023-11-14 22:13'", |key| key.details.created_at == at("2023-11-14T22:13:00.000Z")),
    ("updatedAt", "current_timestamp", |key| key.usage.updated_at > sample::NOW),
    ("metadata", r#"'{"half":"\ud800"}'"#, |key| key.details.metadata.is_some()),
    ("permissions", r#"'{"files":["\ud800"]}'"#, |key| key.details.permissions.is_some()),
    ("permissions", "''", |key| key.details.permissions.is_none()),
];
