use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use keymint_ports::Durability;
use keymint_store_postgres::{PgOptions, PgUrl, UrlError};

use crate::config::section::Section;

/// The database of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The kind and the place of the database.
    pub url: DatabaseUrl,
    /// The failure that an answered change survives.
    pub durability: Durability,
    /// The largest number of connections to Postgres at the same time.
    pub max_connections: u32,
    /// The timeout of a statement on Postgres.
    pub statement_timeout: Duration,
}

/// The URL of the database. `Display` and `Debug` hide the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite {
        /// The file, relative to the directory that the process runs in.
        path: PathBuf,
    },
    /// A Postgres server, or several of which one takes writes.
    Postgres {
        /// The servers and the role.
        url: PgUrl,
    },
    /// This process. All data is lost when it ends.
    Memory,
}

impl DatabaseUrl {
    /// Reads a URL, in the form of `database.url`.
    ///
    /// # Errors
    ///
    /// Returns a message without the URL, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, Cow<'static, str>> {
        parse_url(text)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite:{}", path.display()),
            Self::Postgres { url } => write!(f, "{url}"),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Database {
    let kind = "`sqlite:PATH`, `postgres://...` or `memory:`";
    let default = DatabaseUrl::Sqlite { path: "keymint.db".into() };
    let postgres = PgOptions::new("");
    let statement_timeout = Duration::from_millis(postgres.statement_timeout_ms);
    let durabilities = [("full", Durability::Full), ("normal", Durability::Normal)];
    Database {
        url: section.text("url", kind, default, parse_url),
        durability: section.choice("durability", postgres.durability, &durabilities),
        max_connections: section.integer("max_connections", postgres.max_connections, 1..=1000),
        statement_timeout: section.milliseconds("statement_timeout_ms", statement_timeout, 100..=600_000),
    }
}

fn parse_url(text: &str) -> Result<DatabaseUrl, Cow<'static, str>> {
    let message = "must be sqlite:PATH, postgres://USER:PASSWORD@HOST/DATABASE or memory:";
    match text.split_once(':') {
        Some(("memory", "")) => Ok(DatabaseUrl::Memory),
        Some(("sqlite", path)) => Ok(parse_sqlite_path(path)?),
        Some(("postgres" | "postgresql", _)) => match PgUrl::parse(text) {
            Ok(url) => Ok(DatabaseUrl::Postgres { url }),
            Err(UrlError::Form) => Err(message.into()),
            Err(error) => Err(error.to_string().into()),
        },
        _ => Err(message.into()),
    }
}

/// Reads the path of a file. Refuses the forms that other programs use and that would name an unexpected file here.
fn parse_sqlite_path(path: &str) -> Result<DatabaseUrl, &'static str> {
    match path {
        "" => Err("must name a file, as in sqlite:keymint.db"),
        ":memory:" => Err("must be written memory:"),
        _ if path.starts_with("//") => Err("must be sqlite:PATH without two slashes before the path"),
        _ if path.contains(['?', '\0']) => Err("must be sqlite:PATH without parameters"),
        _ => Ok(DatabaseUrl::Sqlite { path: path.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_database_has_its_scheme() {
        let sqlite = |path: &str| DatabaseUrl::Sqlite { path: path.into() };
        assert_eq!(parse_url("memory:"), Ok(DatabaseUrl::Memory));
        assert_eq!(parse_url("sqlite:keymint.db"), Ok(sqlite("keymint.db")));
        assert_eq!(parse_url("sqlite:/var/lib/key mint.db"), Ok(sqlite("/var/lib/key mint.db")));
        for text in ["postgres://u:p@h:5432/d?sslmode=require", "postgresql:///d?host=/run/postgresql"] {
            let Ok(DatabaseUrl::Postgres { url }) = parse_url(text) else { panic!("{text}") };
            assert_eq!(url.expose(), text);
        }
        for text in [
            "",
            "memory",
            "memory:x",
            "sqlite:",
            "sqlite::memory:",
            "sqlite://keymint.db",
            "sqlite:keymint.db?mode=rwc",
            "mysql://h/d",
            "postgres:d",
            "postgres://h:port/d",
            "postgres://h/d?sslpassword=hush",
        ] {
            assert!(parse_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn passwords_are_hidden_wherever_a_url_may_hold_them() {
        for (text, shown) in [
            ("postgres://u:hush@h/d", "postgres://u:***@h/d"),
            ("postgres://u@h/d?sslmode=require", "postgres://u@h/d?sslmode=require"),
            ("postgres://h/d?user=u&password=hush", "postgres://h/d?user=u&password=***"),
            ("postgres://h/d?p%61ssword=hush", "postgres://h/d?password=***"),
            ("postgres://u:h%75sh@h/d?password=hush&port=1", "postgres://u:***@h/d?password=***&port=1"),
        ] {
            let url = parse_url(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("hush"), "{url:?}");
            assert_eq!(parse_url(shown).unwrap().to_string(), shown, "it loads again to the same");
        }
    }
}
