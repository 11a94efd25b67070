use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use keymint_domain::ErrorCode;
use keymint_domain::verify::Refusal;

use crate::VerifierError;

/// The reason why a request with or without a key does not pass: the one table of codes, statuses and messages for guards and
/// for gateways.
#[derive(Debug, Clone)]
pub enum NotAdmitted {
    /// The request shows no key.
    MissingKey,
    /// The request shows two keys that are not the same.
    DifferentKeys,
    /// The key may not be used, or not so.
    Refused(Refusal),
    /// The key cannot be verified.
    Unchecked(VerifierError),
}

/// The time after which a client should retry while keys cannot be verified.
const SOON: Duration = Duration::from_secs(1);

impl NotAdmitted {
    /// Refuses a key by Better Auth's code, which is all that a remote Keymint tells. For missing permissions that would be
    /// `KEY_NOT_FOUND`, which a client would take for the route's.
    pub fn by_code(refusal: Refusal) -> Self {
        let code = match refusal.code {
            ErrorCode::KeyNotFound => ErrorCode::InsufficientPermissions,
            code => code,
        };
        Self::Refused(Refusal { code, ..refusal })
    }

    /// Refuses a key by Keymint's own, more precise name of the reason.
    pub fn by_reason(refusal: Refusal) -> Self {
        Self::Refused(Refusal { code: refusal.reason(), ..refusal })
    }

    /// Returns the status: 401 if another key would help, 403 if this one may do less than is required, 429 if it may do so
    /// later, 503 if nobody knows, and 500 for a wrong set-up.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MissingKey | Self::DifferentKeys => StatusCode::UNAUTHORIZED,
            Self::Refused(refusal) => match refusal.code {
                ErrorCode::InsufficientPermissions | ErrorCode::WrongConfiguration | ErrorCode::IpNotAllowed => {
                    StatusCode::FORBIDDEN
                }
                ErrorCode::RateLimited | ErrorCode::UsageExceeded => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::UNAUTHORIZED,
            },
            Self::Unchecked(VerifierError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unchecked(VerifierError::Failed(_)) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the code on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingKey => "MISSING_API_KEY",
            Self::DifferentKeys => "DIFFERENT_API_KEYS",
            Self::Refused(refusal) => refusal.code.as_str(),
            Self::Unchecked(VerifierError::Unavailable(_)) => "SERVICE_UNAVAILABLE",
            Self::Unchecked(VerifierError::Failed(_)) => "INTERNAL_SERVER_ERROR",
        }
    }

    /// Returns the message on the wire: a fixed text.
    pub fn message(&self) -> &'static str {
        match self {
            Self::MissingKey => "The request shows no API key.",
            Self::DifferentKeys => "The request shows different API keys.",
            Self::Refused(refusal) => refusal.code.message(),
            Self::Unchecked(VerifierError::Unavailable(_)) => "API keys cannot be checked now. Try again later.",
            Self::Unchecked(VerifierError::Failed(_)) => "Internal server error",
        }
    }

    /// Returns the time after which a retry is worth it; `None` = waiting does not help.
    pub fn retry(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_in_ms.map(Duration::from_millis),
            Self::Unchecked(VerifierError::Unavailable(_)) => Some(SOON),
            Self::MissingKey | Self::DifferentKeys | Self::Unchecked(VerifierError::Failed(_)) => None,
        }
    }

    /// Returns the cause that only the log is told.
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unchecked(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the refusal of the key, if that is the reason.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// Returns the value of `Retry-After`: whole seconds, rounded up and 1 at least, so that a client that waits so long is let in.
pub fn retry_after(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_told_in_whole_seconds_that_suffice() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (u64::MAX, 18_446_744_073_709_552)] {
            assert_eq!(retry_after(Duration::from_millis(millis)), seconds, "{millis}");
        }
    }

    #[test]
    fn a_guard_keeps_better_auths_codes_and_a_gateway_is_told_more() {
        let foreign = Refusal { is_foreign: true, ..Refusal::of_unknown(ErrorCode::InvalidApiKey) };
        let told = |reason: NotAdmitted| (reason.status().as_u16(), reason.code());
        assert_eq!(told(NotAdmitted::by_code(foreign.clone())), (401, "INVALID_API_KEY"));
        assert_eq!(told(NotAdmitted::by_reason(foreign)), (403, "WRONG_CONFIGURATION"));
        let unpermitted = Refusal::of_unknown(ErrorCode::KeyNotFound);
        assert_eq!(told(NotAdmitted::by_code(unpermitted)), (403, "INSUFFICIENT_PERMISSIONS"));
    }
}
