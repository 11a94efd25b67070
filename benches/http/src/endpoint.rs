use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// The endpoint of requests. Either way a key is verified, and pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Endpoint {
    /// Posts a key to `/api-key/verify`, as an application does.
    Verify,
    /// Requests `/authorize` for a request with a key, as a gateway does.
    Authorize,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Verify => "verify",
            Self::Authorize => "authorize",
        })
    }
}
