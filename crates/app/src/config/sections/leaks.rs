use std::fmt;

use keymint_service::ThrottleOptions;
use url::{Host, Url};

use super::throttle;
use crate::config::section::Section;

/// The callers that may report leaked keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaks {
    /// True if anybody who holds a key may report it.
    pub reports: bool,
    /// The limit of such reports from one address; `None` = no limit.
    pub throttle: Option<ThrottleOptions>,
    /// The endpoint of the public keys of GitHub's secret scanning; `None` = its reports are not taken.
    pub github: Option<GithubUrl>,
}

/// The URL of GitHub's public keys. It begins with `https:`, unless its host is this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubUrl(String);

impl GithubUrl {
    /// The endpoint of github.com.
    const DEFAULT: &str = "https://api.github.com/meta/public_keys/secret_scanning";

    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with it. Keys that were fetched without TLS could be anybody's.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "must be a URL")?;
        let is_local = match url.host() {
            Some(Host::Domain(host)) => host == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err("must be a URL with a host"),
        };
        match url.scheme() {
            "https" => Ok(Self(text.to_owned())),
            "http" if is_local => Ok(Self(text.to_owned())),
            _ => Err("must begin with https:, or with http: if its host is this machine"),
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GithubUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Leaks {
    let reports = section.boolean("reports", false);
    let throttle = section.section("throttle", throttle::read);
    let github = section.section("github", |section| {
        let enabled = section.boolean("enabled", false);
        let url = section.text("keys_url", "URL", GithubUrl(GithubUrl::DEFAULT.to_owned()), GithubUrl::parse);
        enabled.then_some(url)
    });
    Leaks { reports, throttle, github }
}
