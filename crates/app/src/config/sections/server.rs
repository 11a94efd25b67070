use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use ipnet::IpNet;
use keymint_actix::guard::LimitFields;
use keymint_actix::origin::TrustedOrigin;
use keymint_actix::{ApiOptions, ServeOptions};
use url::Url;

use super::listen::{Listen, UnixMode};
use super::tls::{self, Tls};
use crate::config::section::Section;

/// The listener, and the clients that it trusts.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// The place to listen at.
    pub listen: Listen,
    /// The permissions of a Unix socket to listen at.
    pub unix_mode: UnixMode,
    /// The scheme, host and port of the URL that browsers use, without a slash at the end.
    pub base_url: String,
    /// The path that the endpoints are under: empty, or with a slash at its beginning and none at its end.
    pub base_path: String,
    /// The origins besides `base_url` whose pages may send requests with cookies.
    pub trusted_origins: Vec<TrustedOrigin>,
    /// The networks whose `X-Forwarded-*` headers are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The fields that tell how a key stands against its limits.
    pub rate_limit_headers: LimitFields,
    /// The largest request body, in bytes.
    pub body_limit_bytes: usize,
    /// The timeout of a whole request. Its head may take as long to arrive, its body half as long.
    pub request_timeout: Duration,
    /// The time for which an idle connection stays open.
    pub keep_alive: Duration,
    /// The time that open requests have to end after the server is told to stop.
    pub shutdown: Duration,
    /// The number of threads that serve; `None` = one per core.
    pub workers: Option<NonZeroUsize>,
    /// The largest number of open connections.
    pub max_connections: usize,
    /// The certificate; `None` = no TLS.
    pub tls: Option<Tls>,
}

/// The address that a server listens on, unless the configuration names another.
const DEFAULT_LISTEN: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 8787);

/// The permissions of a Unix socket, unless the configuration names others: those of a service and its group.
const DEFAULT_UNIX_MODE: UnixMode = UnixMode(0o660);

impl Server {
    /// Returns the URL that stands for one that is not configured.
    pub fn default_base_url() -> String {
        format!("http://{}", SocketAddr::from(DEFAULT_LISTEN))
    }
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Server {
    let (listen, base_url) = (Listen::Tcp(DEFAULT_LISTEN.into()), Server::default_base_url());
    let (api, serve) = (ApiOptions::default(), ServeOptions::default());
    let server = Server {
        listen: section.text("listen", "IP address and port, or `unix:PATH`", listen, str::parse),
        unix_mode: section.text("unix_mode", "octal digits", DEFAULT_UNIX_MODE, UnixMode::parse),
        base_url: section.text("base_url", "http or https URL without a path", base_url, parse_origin),
        base_path: section.text("base_path", "path", api.base_path, parse_base_path),
        trusted_origins: read_trusted_origins(section),
        trusted_proxies: read_trusted_proxies(section),
        rate_limit_headers: section.choice("rate_limit_headers", api.limit_fields, &LimitFields::WORDS),
        body_limit_bytes: section.integer("body_limit_bytes", api.body_limit, 1024..=16_777_216),
        request_timeout: section.milliseconds("request_timeout_ms", api.request_timeout, 100..=600_000),
        keep_alive: section.seconds("keep_alive_seconds", serve.keep_alive, 1..=3600),
        shutdown: section.seconds("shutdown_seconds", serve.shutdown_timeout, 0..=3600),
        workers: NonZeroUsize::new(section.integer("workers", serve.workers.unwrap_or(0), 0..=1024)),
        max_connections: section.integer("max_connections", serve.max_connections, 1..=1_000_000),
        tls: section.section("tls", tls::read),
    };
    if server.tls.is_some() && matches!(server.listen, Listen::Unix(_)) {
        let message = "must be an address where server.tls is set: TLS is not spoken on a Unix socket";
        section.problem(section.location("listen"), message);
    }
    if server.tls.is_some() && server.base_url.starts_with("http:") {
        let message = "must be an https URL where server.tls is set: cookies and trusted pages go by it";
        section.problem(section.location("base_url"), message);
    }
    server
}

fn read_trusted_origins(section: &mut Section<'_, '_>) -> Vec<TrustedOrigin> {
    section.texts("trusted_origins", "list of origins, or of patterns", Vec::new(), TrustedOrigin::parse)
}

fn read_trusted_proxies(section: &mut Section<'_, '_>) -> Vec<IpNet> {
    section.texts("trusted_proxies", "list of CIDRs", Vec::new(), parse_network)
}

pub(super) fn parse_network(text: &str) -> Result<IpNet, &'static str> {
    text.parse().map_err(|_| "must be a network, as in 10.0.0.0/8")
}

pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "must be an IP address and a port, as in 127.0.0.1:8787 or [::1]:8787; names are not looked up")
}

/// Reads a scheme, host and port. A slash at the end is dropped.
fn parse_origin(text: &str) -> Result<String, &'static str> {
    let message = "must be an http or https URL without user, path, query and fragment, as in https://keys.example.com";
    let url = Url::parse(text).map_err(|_| message)?;
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if matches!(url.scheme(), "http" | "https") && bare && url.path() == "/" {
        Ok(url.origin().ascii_serialization())
    } else {
        Err(message)
    }
}

/// Reads a base path, which is empty for the root. It may only have characters without a meaning to a router or a URL.
fn parse_base_path(text: &str) -> Result<String, &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let fits = |segment: &str| segment.bytes().all(plain) && !matches!(segment, "" | "." | "..");
    match text.strip_prefix('/') {
        None if text.is_empty() => Ok(String::new()),
        Some("") => Ok(String::new()),
        Some(path) if path.split('/').next() == Some("console") => {
            Err("must not be /console nor below it: the pages of the console are there")
        }
        Some(path) if path.split('/').all(fits) => Ok(text.to_owned()),
        _ => Err("must begin with a slash, not end with one, and hold letters, digits and -._~ between slashes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, expected) in [
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("HTTPS://Keys.Example.com/", "https://keys.example.com"),
            ("https://keys.example.com:443", "https://keys.example.com"),
            ("http://[::1]:1", "http://[::1]:1"),
        ] {
            assert_eq!(parse_origin(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "keys.example.com",
            "ftp://a.example",
            "http://",
            "http://a.example/b",
            "http://a.example?b",
            "http://a.example#b",
            "http://u:p@a.example",
            "http://a.example:99999",
        ] {
            assert!(parse_origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_base_path_is_the_root_or_plain_segments() {
        for (text, expected) in [("", ""), ("/", ""), ("/api/auth", "/api/auth"), ("/v1.0/~k-_", "/v1.0/~k-_")] {
            assert_eq!(parse_base_path(text).as_deref(), Ok(expected), "{text}");
        }
        for text in
            ["api", "/api/", "//", "/a//b", "/a/../b", "/.", "/{id}", "/a?b", "/ä", "/a b", "/console", "/console/api"]
        {
            assert!(parse_base_path(text).is_err(), "{text}");
        }
    }
}
