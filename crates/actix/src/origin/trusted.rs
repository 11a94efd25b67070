use std::fmt;

use url::Url;
use wildmatch::WildMatch;

/// An origin whose pages may send requests with cookies, in one of Better Auth's forms (docs/better-auth-wire.md 3.4):
/// `https://app.example.com`; with wildcards (`*`, `?`) in the host, `*.example.com`, or in the whole origin,
/// `https://*.example.com`; a custom scheme, `myapp://`.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustedOrigin {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Exact,
    Origins(WildMatch),
    Hosts(WildMatch),
    Scheme { scheme: String, authority: String },
}

/// The error for a text that is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an origin as in https://app.example.com, a pattern as in *.example.com or https://*.example.com, or a \
     scheme as in myapp://"
)]
pub struct InvalidTrustedOrigin;

/// Schemes whose URLs a browser executes or reads itself.
const EXECUTED: [&str; 5] = ["blob", "data", "file", "javascript", "vbscript"];

/// The trusted origins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrustedOrigins(Vec<TrustedOrigin>);

impl TrustedOrigin {
    /// Parses an origin or a pattern.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidTrustedOrigin`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidTrustedOrigin> {
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let lower = text.to_ascii_lowercase();
        if lower.contains(['*', '?']) {
            let host = lower.split_once("://").map_or(lower.as_str(), |(_, host)| host);
            if !is_plain(host) || host.contains('/') {
                return Err(InvalidTrustedOrigin);
            }
            let pattern = WildMatch::new(&lower);
            let form = if lower.contains("://") { Form::Origins(pattern) } else { Form::Hosts(pattern) };
            return Ok(Self { text: lower, form });
        }
        let url = Url::parse(text).map_err(|_| InvalidTrustedOrigin)?;
        if matches!(url.scheme(), "http" | "https") {
            let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
            if !bare || url.fragment().is_some() || url.path() != "/" {
                return Err(InvalidTrustedOrigin);
            }
            let text = url.origin().ascii_serialization();
            // An encoded star becomes a star in the normal form, which would parse as a pattern.
            return if text.contains('*') { Err(InvalidTrustedOrigin) } else { Ok(Self { text, form: Form::Exact }) };
        }
        let (scheme, authority) = lower.split_once("://").ok_or(InvalidTrustedOrigin)?;
        if EXECUTED.contains(&scheme) {
            return Err(InvalidTrustedOrigin);
        }
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '@']) || !(authority.is_empty() || is_plain(authority)) {
            return Err(InvalidTrustedOrigin);
        }
        let form = Form::Scheme { scheme: scheme.to_owned(), authority: authority.to_owned() };
        Ok(Self { text: lower, form })
    }

    /// Returns the origin or pattern in its normal form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns true if `url`, an origin or a whole URL, has this origin. Wildcards match only under http and https:
    /// under other schemes, such as `javascript:`, the text at the host's place is arbitrary.
    fn covers(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        let is_web = matches!(url.scheme(), "http" | "https");
        let origin = || url.origin().ascii_serialization();
        match &self.form {
            Form::Exact => is_web && origin() == self.text,
            Form::Origins(pattern) => is_web && pattern.matches(&origin()),
            Form::Hosts(pattern) => is_web && host_and_port(&url).is_some_and(|host| pattern.matches(&host)),
            Form::Scheme { scheme, authority } => {
                let host = host_and_port(&url).unwrap_or_default().to_ascii_lowercase();
                url.scheme() == scheme && (authority.is_empty() || *authority == host)
            }
        }
    }
}

fn host_and_port(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

impl TrustedOrigins {
    /// Returns true if `url`, an origin or a whole URL, has one of these origins.
    pub fn cover(&self, url: &str) -> bool {
        self.0.iter().any(|origin| origin.covers(url))
    }
}

impl FromIterator<TrustedOrigin> for TrustedOrigins {
    fn from_iter<I: IntoIterator<Item = TrustedOrigin>>(origins: I) -> Self {
        Self(origins.into_iter().collect())
    }
}

impl fmt::Display for TrustedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_covers_itself_and_a_pattern_what_it_matches() {
        for (trusted, covered, others) in [
            (
                "https://App.example.com/",
                &["https://app.example.com", "https://app.example.com/a/b?c"][..],
                &["http://app.example.com", "https://app.example.com.evil.org", "https://app.example.com:8443"][..],
            ),
            (
                "*.example.com",
                &["https://a.example.com", "http://a.b.example.com/x"],
                &[
                    "https://example.com",
                    "https://a.example.com.evil.org",
                    "https://evil.org/.example.com",
                    "https://a.example.com:8443",
                    "javascript://a.example.com/%0aalert(1)",
                    "data://a.example.com/,x",
                    "ftp://a.example.com",
                ],
            ),
            (
                "*://*.example.com",
                &["https://a.example.com", "http://a.example.com"],
                &["javascript://x/%0a//.example.com", "javascript://a.example.com"],
            ),
            ("https://*.example.com", &["https://a.example.com"], &["http://a.example.com", "https://example.com"]),
            ("http://localhost:*", &["http://localhost:3000"], &["http://localhost", "http://evil.org:3000"]),
            ("myapp://", &["myapp://anything", "myapp://host/path"], &["otherapp://host", "https://myapp"]),
            ("myapp://host", &["myapp://HOST/path", "myapp://host"], &["myapp://other", "myapp://host.evil"]),
        ] {
            let trusted = TrustedOrigin::parse(trusted).unwrap();
            for url in covered {
                assert!(trusted.covers(url), "{trusted} covers {url}");
            }
            for url in others.iter().chain(&["", "null", "/", "not a url", "https://", "javascript:alert(1)"]) {
                assert!(!trusted.covers(url), "{trusted} does not cover {url}");
            }
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "example.com",
            "javascript://",
            "https://a.example/b",
            "https://u@a.example",
            "https://*.example/b",
            "https://%2a.example",
            "a b*",
        ] {
            assert!(TrustedOrigin::parse(text).is_err(), "{text}");
        }
    }
}
