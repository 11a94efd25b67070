//! A database of its own for each test.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::allow_attributes, reason = "each test binary uses its own part")]

use keymint_store_postgres::{PgOptions, PgStore};
use keymint_test_postgres::database;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, query_scalar, raw_sql};

/// Better Auth's statements for its core and the api-key plugin, where the plugin came before 1.5 and was migrated:
/// `configId` may be null. There is no organization plugin.
pub(crate) const TABLES: &str = r#"
    create table "user" ("id" text not null primary key, "name" text not null, "email" text not null unique,
        "emailVerified" boolean not null, "image" text, "createdAt" timestamptz not null, "updatedAt" timestamptz not null);
    create table "session" ("id" text not null primary key, "expiresAt" timestamptz not null, "token" text not null unique,
        "createdAt" timestamptz not null, "updatedAt" timestamptz not null, "ipAddress" text, "userAgent" text,
        "userId" text not null references "user" ("id") on delete cascade);
    create table "account" ("id" text not null primary key, "accountId" text not null, "providerId" text not null,
        "userId" text not null references "user" ("id") on delete cascade, "accessToken" text, "refreshToken" text,
        "idToken" text, "accessTokenExpiresAt" timestamptz, "refreshTokenExpiresAt" timestamptz, "scope" text, "password" text,
        "createdAt" timestamptz not null, "updatedAt" timestamptz not null);
    create table "verification" ("id" text not null primary key, "identifier" text not null, "value" text not null,
        "expiresAt" timestamptz not null, "createdAt" timestamptz not null, "updatedAt" timestamptz not null);
    create table "apikey" ("id" text not null primary key, "configId" text, "name" text, "start" text,
        "referenceId" text not null, "prefix" text, "key" text not null, "refillInterval" integer,
        "refillAmount" integer, "lastRefillAt" timestamptz, "enabled" boolean, "rateLimitEnabled" boolean,
        "rateLimitTimeWindow" integer, "rateLimitMax" integer, "requestCount" integer, "remaining" integer,
        "lastRequest" timestamptz, "expiresAt" timestamptz, "createdAt" timestamptz not null, "updatedAt" timestamptz not null, "permissions" text,
        "metadata" text);
    create index "session_userId_idx" on "session" ("userId");
    create index "account_userId_idx" on "account" ("userId");
    create index "verification_identifier_idx" on "verification" ("identifier");
    create index "apikey_configId_idx" on "apikey" ("configId");
    create index "apikey_referenceId_idx" on "apikey" ("referenceId");
    create index "apikey_key_idx" on "apikey" ("key");
    insert into "user" values ('ada', 'Ada', 'ada@example.org', true, null, '2023-11-14T22:13:20.000Z',
        '2023-11-14T22:13:20.000Z');"#;

/// A fresh database.
pub(crate) struct Database {
    url: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        Self { url: database().await }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Few connections, because many databases share one server.
    pub(crate) fn options(&self) -> PgOptions {
        PgOptions { max_connections: 4, ..PgOptions::new(&self.url) }
    }

    pub(crate) async fn name(&self) -> String {
        query_scalar("select current_database()::text").fetch_one(&mut self.stranger().await).await.unwrap()
    }

    pub(crate) async fn open(&self) -> PgStore {
        PgStore::connect(&self.options()).await.unwrap()
    }

    /// A connection of somebody else's.
    pub(crate) async fn stranger(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        raw_sql(AssertSqlSafe(sql)).execute(&mut self.stranger().await).await.unwrap();
    }
}
