//! A database of its own for each test.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::allow_attributes, reason = "each test binary uses its own part")]

use std::path::PathBuf;

use keymint_store_sqlite::{SqliteOptions, SqliteStore};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, raw_sql};
use tempfile::TempDir;

/// Better Auth's statements for its core and the api-key plugin, where the plugin came before 1.5 and was migrated:
/// `configId` may be null. There is no organization plugin.
pub(crate) const TABLES: &str = r#"
    create table "user" ("id" text not null primary key, "name" text not null, "email" text not null unique,
        "emailVerified" integer not null, "image" text, "createdAt" date not null, "updatedAt" date not null);
    create table "session" ("id" text not null primary key, "expiresAt" date not null, "token" text not null unique,
        "createdAt" date not null, "updatedAt" date not null, "ipAddress" text, "userAgent" text,
        "userId" text not null references "user" ("id") on delete cascade);
    create table "account" ("id" text not null primary key, "accountId" text not null, "providerId" text not null,
        "userId" text not null references "user" ("id") on delete cascade, "accessToken" text, "refreshToken" text,
        "idToken" text, "accessTokenExpiresAt" date, "refreshTokenExpiresAt" date, "scope" text, "password" text,
        "createdAt" date not null, "updatedAt" date not null);
    create table "verification" ("id" text not null primary key, "identifier" text not null, "value" text not null,
        "expiresAt" date not null, "createdAt" date not null, "updatedAt" date not null);
    create table "apikey" ("id" text not null primary key, "configId" text, "name" text, "start" text,
        "referenceId" text not null, "prefix" text, "key" text not null, "refillInterval" integer,
        "refillAmount" integer, "lastRefillAt" date, "enabled" integer, "rateLimitEnabled" integer,
        "rateLimitTimeWindow" integer, "rateLimitMax" integer, "requestCount" integer, "remaining" integer,
        "lastRequest" date, "expiresAt" date, "createdAt" date not null, "updatedAt" date not null, "permissions" text,
        "metadata" text);
    create index "session_userId_idx" on "session" ("userId");
    create index "account_userId_idx" on "account" ("userId");
    create index "verification_identifier_idx" on "verification" ("identifier");
    create index "apikey_configId_idx" on "apikey" ("configId");
    create index "apikey_referenceId_idx" on "apikey" ("referenceId");
    create index "apikey_key_idx" on "apikey" ("key");
    insert into "user" values ('ada', 'Ada', 'ada@example.org', 1, null, '2023-11-14T22:13:20.000Z',
        '2023-11-14T22:13:20.000Z');"#;

/// A folder that holds one database; it goes with the test.
pub(crate) struct Database {
    folder: TempDir,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("keymint.db")
    }

    pub(crate) fn options(&self) -> SqliteOptions {
        SqliteOptions::new(self.path())
    }

    pub(crate) async fn open(&self) -> SqliteStore {
        SqliteStore::connect(&self.options()).await.unwrap()
    }

    /// A connection of somebody else's.
    pub(crate) async fn stranger(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.path()).create_if_missing(true).connect().await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        raw_sql(AssertSqlSafe(sql)).execute(&mut self.stranger().await).await.unwrap();
    }
}
