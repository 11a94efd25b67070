//! The role of the secret by which a key was presented.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, HttpDate};
use keymint_domain::Timestamp;

/// The role of a secret that a rotation has replaced.
pub(crate) const FORMER: &str = "former";
/// The header with the instant at which a presented secret ends (RFC 8594).
pub(crate) const SUNSET: &str = "sunset";

/// Adds the instant at which the presented secret ends, if it is a former one.
pub(crate) fn show_sunset(headers: &mut HeaderMap, former_ends_at: Option<Timestamp>) {
    let Some(at) = former_ends_at.and_then(|at| u64::try_from(at.as_millis()).ok()) else { return };
    let date = HttpDate::from(UNIX_EPOCH + Duration::from_millis(at));
    if let Ok(value) = HeaderValue::try_from(date.to_string()) {
        headers.insert(HeaderName::from_static(SUNSET), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_former_secret_is_a_date_of_http() {
        let mut headers = HeaderMap::new();
        show_sunset(&mut headers, None);
        assert!(headers.is_empty());
        show_sunset(&mut headers, Some(Timestamp::from_millis(1_700_000_000_999)));
        assert_eq!(headers.get(SUNSET).unwrap(), "Tue, 14 Nov 2023 22:13:20 GMT");
    }
}
