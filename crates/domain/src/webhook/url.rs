use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::{ForbiddenAddress, OutboundRules};

/// The URL of an endpoint, in the form in which it is called.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// The error for a URL that an endpoint must not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWebhookUrl {
    /// It is no URL.
    #[error("must be a URL, as in https://example.com/hooks")]
    Malformed,
    /// It is too long for a column with an index.
    #[error("must have {} bytes or fewer", WebhookUrl::MAX_LENGTH)]
    TooLong,
    /// It has another scheme.
    #[error("must begin with https://")]
    Scheme,
    /// It has no TLS, which is admitted for allowed networks alone.
    #[error("must begin with https://; [webhooks] allow_http admits http:// for the networks of allow_networks")]
    Plain,
    /// It has a user or a password, which logs and lists would show.
    #[error("must have neither a user nor a password")]
    Credentials,
    /// It has a fragment, which is never sent.
    #[error("must have no fragment (#)")]
    Fragment,
    /// It has port 0, to which nothing can listen.
    #[error("must not have port 0")]
    Port,
    /// It names this machine.
    #[error("must not name this machine; [webhooks] allow_networks admits addresses of it")]
    Local,
    /// Its host is an address that must not be called.
    #[error("must not be called: {0}")]
    Address(#[from] ForbiddenAddress),
}

impl WebhookUrl {
    /// The largest length of a URL in bytes.
    pub const MAX_LENGTH: usize = 2048;

    /// Reads a URL, and checks everything that can be told without a look-up of its host. Numbers in other forms, such
    /// as `0x7f.1` and `2130706433`, are the addresses that they stand for.
    ///
    /// # Errors
    ///
    /// Returns the first reason for which an endpoint must not have this URL.
    pub fn parse(text: &str, rules: &OutboundRules) -> Result<Self, InvalidWebhookUrl> {
        let url = Self::from_stored(text)?;
        let with_tls = url.has_tls();
        if !with_tls && url.0.scheme() != "http" {
            return Err(InvalidWebhookUrl::Scheme);
        }
        if !with_tls && !rules.allow_http() {
            return Err(InvalidWebhookUrl::Plain);
        }
        if !url.0.username().is_empty() || url.0.password().is_some() {
            return Err(InvalidWebhookUrl::Credentials);
        }
        if url.0.fragment().is_some() {
            return Err(InvalidWebhookUrl::Fragment);
        }
        if url.0.port() == Some(0) {
            return Err(InvalidWebhookUrl::Port);
        }
        if let Some(address) = url.address() {
            rules.admit(address, with_tls)?;
        } else if is_local(url.host()) && *rules == OutboundRules::default() {
            return Err(InvalidWebhookUrl::Local);
        }
        Ok(url)
    }

    /// Reads a URL of a store. It was checked under the rules of that day, and its address is checked when it is
    /// called.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidWebhookUrl`] for a text that is too long or no URL with a host.
    pub fn from_stored(text: &str) -> Result<Self, InvalidWebhookUrl> {
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidWebhookUrl::TooLong);
        }
        let url = Url::parse(text).map_err(|_| InvalidWebhookUrl::Malformed)?;
        if url.as_str().len() > Self::MAX_LENGTH {
            return Err(InvalidWebhookUrl::TooLong);
        }
        // The parser removes whitespace of control characters, which nobody means to write.
        let is_plain = !text.chars().any(|character| character.is_control() || character.is_whitespace());
        if is_plain && url.has_host() { Ok(Self(url)) } else { Err(InvalidWebhookUrl::Malformed) }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns true for `https`.
    pub fn has_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Returns the host: a name or an address.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Returns the port, the scheme's one included.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// Returns the address, if the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        }
    }
}

/// Returns true for the names that stand for this machine (RFC 6761).
fn is_local(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost")
}

/// Leaves out path and query, which may hold a secret.
impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({}://{}:{}/..)", self.0.scheme(), self.host(), self.port())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::address::{Network, Networks};

    fn refusal(text: &str) -> String {
        WebhookUrl::parse(text, &OutboundRules::default()).expect_err(text).to_string()
    }

    #[test]
    fn a_public_https_url_is_taken_and_printed_in_one_form() {
        for (text, printed) in [
            ("https://example.com/hooks?t=1", "https://example.com/hooks?t=1"),
            ("HTTPS://Example.COM", "https://example.com/"),
            ("https://example.com:443/", "https://example.com/"),
            ("https://example.com:8443/a", "https://example.com:8443/a"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            ("https://[2001:4860:4860::8888]/", "https://[2001:4860:4860::8888]/"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ] {
            let url = WebhookUrl::parse(text, &OutboundRules::default()).expect(text);
            assert_eq!(url.as_str(), printed);
            assert_eq!(WebhookUrl::from_stored(printed), Ok(url));
        }
    }

    #[test]
    fn every_other_url_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "must be a URL"),
            ("example.com/hooks", "must be a URL"),
            ("https://", "must be a URL"),
            ("https://exa mple.com/", "must be a URL"),
            ("https://example.com/\n", "must be a URL"),
            ("https://example.com:99999/", "must be a URL"),
            ("data:text/plain,x", "must be a URL"),
            ("ftp://example.com/", "must begin with https"),
            ("file://host/etc/passwd", "must begin with https"),
            ("gopher://example.com/", "must begin with https"),
            ("http://example.com/", "allow_http"),
            ("https://user@example.com/", "neither a user"),
            ("https://user:secret@example.com/", "neither a user"),
            ("https://:secret@example.com/", "neither a user"),
            ("https://example.com/#part", "fragment"),
            ("https://example.com:0/", "port 0"),
            ("https://localhost/", "this machine"),
            ("https://LOCALHOST./", "this machine"),
            ("https://a.localhost/", "this machine"),
            ("https://127.0.0.1/", "loopback"),
            ("https://127.1/", "loopback"),
            ("https://0x7f.1/", "loopback"),
            ("https://0177.0.0.1/", "loopback"),
            ("https://2130706433/", "loopback"),
            ("https://0/", "unspecified"),
            ("https://127.0.0.1./", "loopback"),
            ("https://①②⑦.0.0.1/", "loopback"),
            ("https://169.254.169.254/latest/meta-data", "link-local"),
            ("https://[::1]/", "loopback"),
            ("https://[::ffff:127.0.0.1]/", "loopback"),
            ("https://[::ffff:7f00:1]/", "loopback"),
            ("https://[64:ff9b::a00:1]/", "private"),
            ("https://[fd00:ec2::254]/", "unique-local"),
            ("https://10.0.0.1:8443/", "private"),
        ] {
            assert!(refusal(text).contains(reason), "{text}: {}", refusal(text));
        }
        let long = format!("https://example.com/{}", "a".repeat(2048));
        assert_eq!(refusal(&long), "must have 2048 bytes or fewer");
    }

    #[test]
    fn http_is_for_allowed_networks_alone() {
        let allowed = Networks::new(vec![Network::parse("127.0.0.0/8").unwrap()]).unwrap();
        let rules = OutboundRules::new(allowed.clone(), true);
        for text in ["http://127.0.0.1:8080/", "http://localhost/", "http://receiver.example/", "https://127.0.0.1/"] {
            assert!(WebhookUrl::parse(text, &rules).is_ok(), "{text}");
        }
        for text in ["http://8.8.8.8/", "http://10.0.0.1/"] {
            assert!(matches!(WebhookUrl::parse(text, &rules), Err(InvalidWebhookUrl::Address(_))), "{text}");
        }
        let with_tls_alone = OutboundRules::new(allowed, false);
        assert_eq!(WebhookUrl::parse("http://127.0.0.1/", &with_tls_alone), Err(InvalidWebhookUrl::Plain));
    }

    #[test]
    fn a_path_that_may_be_a_secret_is_in_no_debug_output() {
        let url = WebhookUrl::parse("https://example.com/secret?secret", &OutboundRules::default()).unwrap();
        assert_eq!(format!("{url:?}"), "WebhookUrl(https://example.com:443/..)");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_it_takes_it_takes_again(text in "(https?://)?[-a-z0-9.:/@#\\[\\]%\u{ff10}-\u{ff19}]{0,40}") {
            if let Ok(url) = WebhookUrl::parse(&text, &OutboundRules::default()) {
                prop_assert_eq!(WebhookUrl::parse(url.as_str(), &OutboundRules::default()), Ok(url));
            }
        }
    }
}
