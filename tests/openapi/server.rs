//! The server of these tests, on an empty SQLite database.

use keymint_test_support::keymint::Place;

/// Everything is enabled, so that the whole document can be tested, and no request is throttled.
const CONFIGURATION: &str = "
[identity]
throttle = { max_requests = 0 }

[authorize.assertion]
audience = 'files'

[[api_key]]
enable_metadata = true
rate_limit = { enabled = false }
";

/// Makes the place that it runs in.
pub(crate) fn place() -> Place {
    Place::configured(CONFIGURATION)
}
