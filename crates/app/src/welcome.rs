//! What the server prints when it starts: where it listens, what limits new keys, and on the first start its server
//! key with two lines to paste.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use keymint_domain::Configuration;
use keymint_domain::usage::Algorithm;
use keymint_service::MadeServerKey;

use crate::config::Config;

/// Prints the welcome to standard output.
pub fn print(config: &Config, address: SocketAddr, first_key: Option<&MadeServerKey>) -> io::Result<()> {
    io::stdout().lock().write_all(text(config, address, first_key).as_bytes())
}

fn text(config: &Config, address: SocketAddr, first_key: Option<&MadeServerKey>) -> String {
    let mut text = String::new();
    let url = format!("http://{}{}", reachable(address), config.server.base_path);
    let _ = writeln!(text, "keymint {} listens on http://{address}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "database    {}", config.database.url);
    for configuration in config.policy.configurations() {
        let _ = writeln!(text, "new keys    {}: {}", configuration.id, rate_limit(configuration));
    }
    if let Some(made) = first_key {
        let server_key = made.text.expose();
        let _ = write!(
            text,
            "\nServer key, shown this once: {server_key}\n\
             \n# Create a key, and see it:\n\
             KEY=$(curl -s {url}/api-key/create -H 'Authorization: Bearer {server_key}' \
             -H 'Content-Type: application/json' -d '{{\"userId\":\"ada\",\"name\":\"first\"}}' \
             | tee /dev/stderr | sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/')\n\
             \n# Verify it:\n\
             curl -s {url}/api-key/verify -H 'Authorization: Bearer {server_key}' \
             -H 'Content-Type: application/json' -d \"{{\\\"key\\\":\\\"$KEY\\\"}}\"\n\n"
        );
    }
    text
}

/// Where a client on this machine reaches a server that listens on every address.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
    } else {
        address
    }
}

/// The effective rate limit, said aloud, since Better Auth's default of ten calls a day surprises people.
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

/// Milliseconds in the largest unit that leaves no rest.
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
    use super::*;

    #[test]
    fn windows_are_said_in_the_largest_whole_unit() {
        for (ms, said) in [(86_400_000, "day"), (7_200_000, "2 hours"), (90_000, "90 seconds"), (1, "1 ms")] {
            assert_eq!(duration(ms), said);
        }
    }

    #[test]
    fn a_server_on_every_address_is_reached_on_loopback() {
        let any: SocketAddr = "0.0.0.0:8787".parse().unwrap();
        assert_eq!(reachable(any).to_string(), "127.0.0.1:8787");
    }
}
