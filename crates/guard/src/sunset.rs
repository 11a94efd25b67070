use std::time::{Duration, UNIX_EPOCH};

use httpdate::HttpDate;
use keymint_domain::Timestamp;

/// The header with the instant at which a presented secret ends, since a rotation has replaced it (RFC 8594).
pub const SUNSET: &str = "sunset";

/// Returns the value of the header for this instant; `None` = it is before 1970.
pub fn sunset(at: Timestamp) -> Option<String> {
    let since_1970 = Duration::from_millis(u64::try_from(at.as_millis()).ok()?);
    // HTTP has no dates after 9999, and a timestamp is none of them.
    Some(HttpDate::from(UNIX_EPOCH + since_1970).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_former_secret_is_a_date_of_http() {
        let at = sunset(Timestamp::from_millis(1_700_000_000_999));
        assert_eq!(at.as_deref(), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
        assert_eq!(sunset(Timestamp::from_millis(-1)), None);
        assert_eq!(sunset(Timestamp::MAX).as_deref(), Some("Fri, 31 Dec 9999 23:59:59 GMT"));
    }
}
