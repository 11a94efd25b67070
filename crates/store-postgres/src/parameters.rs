use url::Url;

/// The parameters of a URL that the driver knows. It logs any other one, with its value.
const KNOWN: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// A parameter of a URL that nobody knows. Its value, which may be a secret, is no part of this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("has an unknown parameter{}", named(.name.as_deref()))]
pub struct UnknownParameter {
    /// Its name, if it looks like one.
    name: Option<String>,
}

fn named(name: Option<&str>) -> String {
    name.map_or_else(|| " whose name is no word".to_owned(), |name| format!(" {name}"))
}

/// Fails if a URL has a parameter that the driver does not know.
///
/// # Errors
/// [`UnknownParameter`]
pub fn check_parameters(url: &Url) -> Result<(), UnknownParameter> {
    let is_known = |name: &str| KNOWN.contains(&name) || (name.starts_with("options[") && name.ends_with(']'));
    match url.query_pairs().find(|(name, _)| !is_known(name)) {
        None => Ok(()),
        Some((name, _)) => {
            // A text that does not look like a name may hold a value: `?password%3Dhush`.
            let is_word = |name: &str| {
                (1..=40).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-.".contains(&c))
            };
            Err(UnknownParameter { name: Some(name.into_owned()).filter(|name| is_word(name)) })
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgConnectOptions;

    use super::*;

    fn check(query: &str) -> Result<(), String> {
        check_parameters(&format!("postgres://h/d?{query}").parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_unknown_parameter_is_told_by_its_name_alone() {
        assert_eq!(check("sslpassword=hush"), Err("has an unknown parameter sslpassword".to_owned()));
        assert_eq!(check("sslmode=require&PGPASSWORD=hush"), Err("has an unknown parameter PGPASSWORD".to_owned()));
        for nameless in ["=hush", "password%3Dhush", "p%20hush=1"] {
            assert_eq!(check(nameless), Err("has an unknown parameter whose name is no word".to_owned()));
        }
    }

    #[test]
    fn what_is_known_is_known_to_the_driver() {
        for name in KNOWN {
            let value = match *name {
                "hostaddr" => "127.0.0.1",
                "port" | "statement-cache-capacity" => "1",
                "sslmode" | "ssl-mode" => "prefer",
                _ => "a",
            };
            let url = format!("postgres://u@h/d?{name}={value}");
            let plain: PgConnectOptions = "postgres://u@h/d".parse().unwrap();
            let with: PgConnectOptions = url.parse().unwrap();
            // It changes something; `prefer` is what is there anyway.
            assert!(format!("{plain:?}") != format!("{with:?}") || value == "prefer", "{name}");
        }
        assert_eq!(check("options[lock_timeout]=77"), Ok(()));
        assert_eq!(check(""), Ok(()));
    }
}
