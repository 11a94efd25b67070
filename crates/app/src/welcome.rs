//! The text that the server prints at its start: the addresses of the server and its metrics, the limits of new keys,
//! the risk of deferred usage, and on the first start the link that makes the first operator, and its server key with two
//! lines to paste.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use keymint_domain::link::NewLink;
use keymint_domain::usage::Algorithm;
use keymint_domain::{Configuration, Timestamp};
use keymint_ports::Clock as _;
use keymint_service::{MadeServerKey, SystemClock};
use serde_json::{Value, json};

use crate::config::{Config, Listen, LogFormat, Server};

/// Prints the welcome to standard output: for people, or as one JSON object in a line if the log is JSON.
///
/// `place` is where the server listens, and `metrics` the address of the metrics, if they have one of their own.
///
/// # Errors
///
/// Returns the error of standard output.
pub fn print(
    config: &Config,
    place: &Listen,
    metrics: Option<SocketAddr>,
    claim: Option<&NewLink>,
    first_key: Option<&MadeServerKey>,
) -> io::Result<()> {
    let welcome = Welcome { config, place, metrics, claim, first_key };
    let text = match config.log.format {
        LogFormat::Text => welcome.text(),
        LogFormat::Json => format!("{}\n", welcome.json(SystemClock.now())),
    };
    io::stdout().lock().write_all(text.as_bytes())
}

struct Welcome<'w> {
    config: &'w Config,
    place: &'w Listen,
    metrics: Option<SocketAddr>,
    claim: Option<&'w NewLink>,
    first_key: Option<&'w MadeServerKey>,
}

impl Welcome<'_> {
    /// Returns where the server listens, with the protocol that it speaks there.
    fn listens_on(&self) -> String {
        match (self.place, &self.config.server.tls) {
            (Listen::Tcp(address), Some(_)) => format!("https://{address}"),
            (Listen::Tcp(address), None) => format!("http://{address}"),
            (socket @ Listen::Unix(_), _) => socket.to_string(),
        }
    }

    /// Returns the scheme, host and port by which a client on this machine reaches the server.
    fn origin(&self) -> String {
        match (self.place, &self.config.server.tls) {
            // A certificate is for the name by which browsers know the server.
            (_, Some(_)) => self.config.server.base_url.clone(),
            (Listen::Tcp(address), None) => format!("http://{}", reachable(*address)),
            (Listen::Unix(_), None) => "http://localhost".to_owned(),
        }
    }

    /// Returns the URL of the link that makes the first operator.
    fn claim_url(&self) -> Option<String> {
        let base_url = &self.config.server.base_url;
        // Browsers keep the cookies of the public name alone, and reach no socket.
        let is_local = *base_url == Server::default_base_url() && matches!(self.place, Listen::Tcp(_));
        let origin = if is_local { self.origin() } else { base_url.clone() };
        self.claim.map(|claim| claim.url(&origin))
    }

    fn metrics_url(&self) -> Option<String> {
        self.metrics.map(|metrics| format!("http://{}/metrics", reachable(metrics)))
    }

    fn text(&self) -> String {
        let Self { config, place, metrics: _, claim: _, first_key } = self;
        let mut text = String::new();
        let _ = writeln!(text, "keymint {} listens on {}", env!("CARGO_PKG_VERSION"), self.listens_on());
        if let Some(metrics) = self.metrics_url() {
            let _ = writeln!(text, "metrics     {metrics}");
        }
        let _ = writeln!(text, "database    {}", config.database.url);
        for configuration in config.policy.configurations() {
            let _ = writeln!(text, "new keys    {}: {}", configuration.id, rate_limit(configuration));
        }
        if first_key.is_none() {
            text.push_str(
                "old keys    keep the limits that they were made with; `keymint key update --all` changes them\n",
            );
        }
        for configuration in config.policy.configurations().iter().filter(|configuration| configuration.defer_usage) {
            let _ = writeln!(text, "deferred    {}: {}", configuration.id, deferral(config.verify.flush));
        }
        if let Some(claim) = self.claim_url() {
            let _ = writeln!(text, "console     {claim} makes you its operator, once, within an hour");
        }
        if let Some(made) = first_key {
            let url = format!("{}{}", self.origin(), config.server.base_path);
            let server_key = made.text.expose();
            let curl = match place {
                Listen::Tcp(_) => "curl -s".to_owned(),
                Listen::Unix(path) => format!("curl -s --unix-socket {}", path.display()),
            };
            let _ = write!(
                text,
                "\nServer key, shown this once: {server_key}\n\
                 \n# Create a key, and see it:\n\
                 KEY=$({curl} {url}/api-key/create -H 'Authorization: Bearer {server_key}' \
                 -H 'Content-Type: application/json' -d '{{\"userId\":\"ada\",\"name\":\"first\"}}' \
                 | tee /dev/stderr | sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/')\n\
                 \n# Verify it:\n\
                 {curl} {url}/api-key/verify -H 'Authorization: Bearer {server_key}' \
                 -H 'Content-Type: application/json' -d \"{{\\\"key\\\":\\\"$KEY\\\"}}\"\n\n"
            );
        }
        text
    }

    /// Returns the same as one object, in the form of the log's lines.
    fn json(&self, now: Timestamp) -> Value {
        let Self { config, place: _, metrics: _, claim: _, first_key } = self;
        let configurations = config.policy.configurations().iter().map(|configuration| {
            json!({
                "configId": configuration.id.as_str(),
                "newKeys": rate_limit(configuration),
                "deferred": configuration.defer_usage.then(|| deferral(config.verify.flush)),
            })
        });
        let listens_on = self.listens_on();
        json!({
            "timestamp": now.to_string(),
            "level": "INFO",
            "message": format!("keymint {} listens on {listens_on}", env!("CARGO_PKG_VERSION")),
            "version": env!("CARGO_PKG_VERSION"),
            "listensOn": listens_on,
            "metrics": self.metrics_url(),
            "database": config.database.url.to_string(),
            "configurations": configurations.collect::<Vec<_>>(),
            "claim": self.claim_url(),
            "serverKey": first_key.map(|made| made.text.expose()),
        })
    }
}

/// Returns the address at which a client on this machine reaches a server that listens on every address.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
    } else {
        address
    }
}

/// Describes the effective rate limit, since Better Auth's default of ten calls a day surprises people.
fn rate_limit(configuration: &Configuration) -> String {
    let limit = configuration.rate_limit;
    if !limit.enabled {
        return "not rate limited".to_owned();
    }
    let algorithm = match limit.algorithm {
        Algorithm::Gcra => "gcra",
        Algorithm::IdleWindow => "idle-window",
    };
    let mut text = format!("{} requests per {} ({algorithm})", limit.max_requests, duration(limit.window_ms));
    if limit == Configuration::default().rate_limit {
        text.push_str(", the default; set api_key.rate_limit to change it");
    }
    text
}

/// Describes the usage that may be lost if it is deferred, since that is the price of the speed.
fn deferral(flush: Duration) -> String {
    let flush = duration(u64::try_from(flush.as_millis()).unwrap_or(u64::MAX));
    format!(
        "usage is written every {flush}; a crash forgets up to that and the write under way, N processes admit up to N \
         times a rate limit, and what others change counts after at most that; quotas are exact"
    )
}

/// Formats milliseconds in the largest unit that leaves no remainder.
fn duration(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")];
    match UNITS.iter().find(|(unit, _)| ms.is_multiple_of(*unit)) {
        Some((unit, name)) if ms == *unit => (*name).to_owned(),
        Some((unit, name)) => format!("{} {name}s", ms / unit),
        None => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use keymint_domain::link::{Link, LinkPurpose};

    use super::*;
    use crate::environment::Environment;

    fn text_of(config: &Config, place: &str, claim: Option<&NewLink>) -> String {
        Welcome { config, place: &place.parse().unwrap(), metrics: None, claim, first_key: None }.text()
    }

    #[test]
    fn a_json_log_has_a_json_welcome() {
        let config = Config::from_text("log.format = \"json\"", "keymint.toml", &Environment::default()).unwrap();
        let place = "127.0.0.1:8787".parse().unwrap();
        let welcome = Welcome { config: &config, place: &place, metrics: None, claim: None, first_key: None };
        let expected = json!({
            "timestamp": Timestamp::MIN.to_string(), "level": "INFO",
            "message": concat!("keymint ", env!("CARGO_PKG_VERSION"), " listens on http://127.0.0.1:8787"),
            "version": env!("CARGO_PKG_VERSION"), "listensOn": "http://127.0.0.1:8787", "metrics": null,
            "database": "sqlite:keymint.db",
            "configurations": [{
                "configId": "default",
                "newKeys": "10 requests per day (gcra), the default; set api_key.rate_limit to change it",
                "deferred": null,
            }],
            "claim": null, "serverKey": null,
        });
        assert_eq!(welcome.json(Timestamp::MIN), expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_reached_by_its_path() {
        let config = Config::from_text("", "keymint.toml", &Environment::default()).unwrap();
        let said = text_of(&config, "unix:/run/keymint.sock", None);
        assert!(said.starts_with(concat!(
            "keymint ",
            env!("CARGO_PKG_VERSION"),
            " listens on unix:/run/keymint.sock\n"
        )));
    }

    #[test]
    fn windows_are_said_in_the_largest_whole_unit() {
        for (ms, said) in [(86_400_000, "day"), (7_200_000, "2 hours"), (90_000, "90 seconds"), (1, "1 ms")] {
            assert_eq!(duration(ms), said);
        }
    }

    #[test]
    fn deferred_usage_is_said_where_it_is_configured() {
        let said = |text: &str| {
            let config = Config::from_text(text, "keymint.toml", &Environment::default()).unwrap();
            text_of(&config, "127.0.0.1:8787", None)
        };
        assert!(!said("").contains("deferred"));
        let text = said(
            "verify.flush_ms = 250\n[[api_key]]\nconfig_id = \"a\"\ndefer_usage = true\n[[api_key]]\nconfig_id = \"b\"\n",
        );
        assert!(text.contains("deferred    a: usage is written every 250 ms; a crash forgets up to that"), "{text}");
        assert!(!text.contains("deferred    b"), "{text}");
    }

    #[test]
    fn a_changed_default_is_said_to_reach_no_key_that_exists() {
        let config = Config::from_text("", "keymint.toml", &Environment::default()).unwrap();
        let said = text_of(&config, "127.0.0.1:8787", None);
        let line = "old keys    keep the limits that they were made with; `keymint key update --all` changes them\n";
        assert!(said.contains(line), "{said}");
    }

    #[test]
    fn a_claim_is_at_the_name_by_which_browsers_know_the_server() {
        let claim = Link::begin(LinkPurpose::Claim, &mut |bytes: &mut [u8]| bytes.fill(7), Timestamp::MIN);
        for (text, origin) in
            [("", "http://127.0.0.1:9"), ("server.base_url = \"https://keys.example.com\"", "https://keys.example.com")]
        {
            let config = Config::from_text(text, "keymint.toml", &Environment::default()).unwrap();
            let said = text_of(&config, "0.0.0.0:9", Some(&claim));
            let line = format!(
                "console     {origin}/console/claim/{} makes you its operator, once, within an hour\n",
                claim.token.expose()
            );
            assert!(said.contains(&line), "{said}");
        }
    }

    #[test]
    fn a_server_on_every_address_is_reached_on_loopback() {
        let any: SocketAddr = "0.0.0.0:8787".parse().unwrap();
        assert_eq!(reachable(any).to_string(), "127.0.0.1:8787");
    }
}
