use std::net::IpAddr;
use std::num::NonZeroU16;

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

/// A parameter of a URL that the driver does not take. Its value, which may be a secret, is left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// It is unknown.
    #[error("has an unknown parameter{}", named(.name.as_deref()))]
    Unknown {
        /// Its name, if it looks like one.
        name: Option<String>,
    },
    /// Its value is not allowed.
    #[error("has a parameter {name} that must be {expected}")]
    Value {
        /// Its name.
        name: &'static str,
        /// The allowed values.
        expected: &'static str,
    },
}

fn named(name: Option<&str>) -> String {
    name.map_or_else(|| " whose name is no word".to_owned(), |name| format!(" {name}"))
}

/// Fails if a URL has a parameter that the driver does not know, or cannot read.
///
/// # Errors
/// [`ParameterError`]
pub(crate) fn check_parameters(url: &Url) -> Result<(), ParameterError> {
    url.query_pairs().try_for_each(|(name, value)| {
        if let Some(name) = KNOWN.iter().find(|known| **known == name) {
            return match expected(name, &value) {
                None => Ok(()),
                Some(expected) => Err(ParameterError::Value { name, expected }),
            };
        }
        if name.starts_with("options[") && name.ends_with(']') {
            return Ok(());
        }
        // A text that does not look like a name may hold a value: `?password%3Dhush`.
        let is_word = |name: &String| {
            (1..=40).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-.".contains(&c))
        };
        Err(ParameterError::Unknown { name: Some(name.into_owned()).filter(is_word) })
    })
}

/// Returns the allowed values of a parameter if this is not one of them.
fn expected(name: &str, value: &str) -> Option<&'static str> {
    const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
    let (fits, expected) = match name {
        "sslmode" | "ssl-mode" => {
            let fits = MODES.iter().any(|mode| mode.eq_ignore_ascii_case(value));
            (fits, "disable, allow, prefer, require, verify-ca or verify-full")
        }
        "port" => (value.parse::<NonZeroU16>().is_ok(), "a port from 1 to 65535"),
        "hostaddr" => (value.parse::<IpAddr>().is_ok(), "an IP address"),
        "statement-cache-capacity" => (value.parse::<usize>().is_ok(), "a whole number"),
        _ => return None,
    };
    (!fits).then_some(expected)
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
    fn a_value_that_the_driver_would_refuse_is_told_by_what_it_must_be() {
        let driver = |query: &str| format!("postgres://u@h/d?{query}").parse::<PgConnectOptions>();
        for (name, expected) in [
            ("sslmode", "disable, allow, prefer, require, verify-ca or verify-full"),
            ("ssl-mode", "disable, allow, prefer, require, verify-ca or verify-full"),
            ("port", "a port from 1 to 65535"),
            ("hostaddr", "an IP address"),
            ("statement-cache-capacity", "a whole number"),
        ] {
            for value in ["hush", "", "-1", "1.2.3.4.5"] {
                let query = format!("{name}={value}");
                assert_eq!(check(&query), Err(format!("has a parameter {name} that must be {expected}")));
                assert!(driver(&query).is_err(), "{query}");
            }
        }
        for query in
            ["sslmode=Verify-Full", "port=5432", "hostaddr=::1", "hostaddr=10.0.0.1", "statement-cache-capacity=0"]
        {
            assert_eq!(check(query), Ok(()), "{query}");
            assert!(driver(query).is_ok(), "{query}");
        }
        assert!(check("port=0").is_err() && check("port=65536").is_err());
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
