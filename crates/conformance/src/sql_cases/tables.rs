use keymint_domain::KeyId;
use keymint_ports::StoreError;

use crate::{SqlEngine, sample};

/// Better Auth's statements for its core and the api-key plugin, where the plugin came before 1.5 and was migrated:
/// `configId` may be null. There is no organization plugin.
const TABLES: &str = r#"
    create table "user" ("id" text not null primary key, "name" text not null, "email" text not null unique,
        "emailVerified" FLAG not null, "image" text, "createdAt" INSTANT not null, "updatedAt" INSTANT not null);
    create table "session" ("id" text not null primary key, "expiresAt" INSTANT not null, "token" text not null unique,
        "createdAt" INSTANT not null, "updatedAt" INSTANT not null, "ipAddress" text, "userAgent" text,
        "userId" text not null references "user" ("id") on delete cascade);
    create table "account" ("id" text not null primary key, "accountId" text not null, "providerId" text not null,
        "userId" text not null references "user" ("id") on delete cascade, "accessToken" text, "refreshToken" text,
        "idToken" text, "accessTokenExpiresAt" INSTANT, "refreshTokenExpiresAt" INSTANT, "scope" text, "password" text,
        "createdAt" INSTANT not null, "updatedAt" INSTANT not null);
    create table "verification" ("id" text not null primary key, "identifier" text not null, "value" text not null,
        "expiresAt" INSTANT not null, "createdAt" INSTANT not null, "updatedAt" INSTANT not null);
    create table "apikey" ("id" text not null primary key, "configId" text, "name" text, "start" text,
        "referenceId" text not null, "prefix" text, "key" text not null, "refillInterval" integer,
        "refillAmount" integer, "lastRefillAt" INSTANT, "enabled" FLAG, "rateLimitEnabled" FLAG,
        "rateLimitTimeWindow" integer, "rateLimitMax" integer, "requestCount" integer, "remaining" integer,
        "lastRequest" INSTANT, "expiresAt" INSTANT, "createdAt" INSTANT not null, "updatedAt" INSTANT not null,
        "permissions" text, "metadata" text);
    create index "session_userId_idx" on "session" ("userId");
    create index "account_userId_idx" on "account" ("userId");
    create index "verification_identifier_idx" on "verification" ("identifier");
    create index "apikey_configId_idx" on "apikey" ("configId");
    create index "apikey_referenceId_idx" on "apikey" ("referenceId");
    create index "apikey_key_idx" on "apikey" ("key");
    insert into "user" values ('ada', 'Ada', 'ada@example.org', true, null, '2023-11-14T22:13:20.000Z',
        '2023-11-14T22:13:20.000Z');"#;

/// Returns Better Auth's statements for its core and the api-key plugin, with these types of flags and instants, and
/// for its user `ada`.
pub fn better_auth_tables(flag: &str, instant: &str) -> String {
    TABLES.replace("FLAG", flag).replace("INSTANT", instant)
}

/// Replaces the words for types by those of the database.
pub(super) fn in_words_of<E: SqlEngine>(engine: &E, sql: &str) -> String {
    let specimens = engine.specimens();
    sql.replace("FLAG", specimens.flag).replace("INSTANT", specimens.instant)
}

/// Makes Better Auth's tables, and its user `ada`.
pub(super) async fn make_tables<E: SqlEngine>(engine: &E) {
    let specimens = engine.specimens();
    engine.execute(&better_auth_tables(specimens.flag, specimens.instant)).await;
}

/// Makes Better Auth's tables, with another table of accounts, and its user `ada`.
pub(super) async fn make_tables_with_issuers<E: SqlEngine>(engine: &E) {
    let with = TABLES.replace(r#"create table "account" ("#, r#"create table "account" ("issuer" text not null, "#);
    let index = r#"create unique index "account_issuer_accountId_uidx" on "account" ("issuer", "accountId")"#;
    engine.execute(&in_words_of(engine, &format!("{with} {index}"))).await;
}

/// Writes the row of the sample key `id` as Better Auth does, with `values` in the place of some of its values.
pub(super) async fn write_key<E: SqlEngine>(engine: &E, id: &str, values: &[(&str, &str)]) {
    let at = "'2023-11-14T22:13:20.000Z'";
    let insert = format!(
        r#"insert into "apikey" ("id", "configId", "referenceId", "key", "enabled", "rateLimitEnabled", "requestCount",
            "createdAt", "updatedAt", "metadata") values ('{id}', 'default', 'ada', '{}', true, false, 0, {at}, {at}, 'null')"#,
        sample::plain(id).hash().as_str(),
    );
    engine.execute(&insert).await;
    for (column, value) in values {
        engine.execute(&format!(r#"update "apikey" set "{column}" = {value} where "id" = '{id}'"#)).await;
    }
}

/// Adds the ban columns of Better Auth's admin plugin.
pub(super) async fn add_bans<E: SqlEngine>(engine: &E) {
    let columns = r#"alter table "user" add column "banned" FLAG; alter table "user" add column "banExpires" INSTANT"#;
    engine.execute(&in_words_of(engine, columns)).await;
}

/// Returns `true` if an outcome reports this column of this row.
pub(super) fn is_corrupt<T>(outcome: &Result<T, StoreError>, table: &str, column: &str, id: Option<&str>) -> bool {
    let Err(StoreError::Corrupt { table: t, column: c, id: i }) = outcome else {
        return false;
    };
    *t == table && *c == column && i.as_ref().map(KeyId::as_str) == id
}
