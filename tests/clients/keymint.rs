//! The server of these tests.

use keymint_test_support::keymint::{Place, Server};

const CONFIGURATION: &str = "
[database]
url = 'memory:'

[[api_key]]
enable_metadata = true
rate_limit = { max_requests = 1000000 }
";

/// Starts a server with an empty database in memory, whose folder nobody needs once it has read its configuration.
pub(crate) fn start() -> Server {
    Place::configured(CONFIGURATION).serve()
}
