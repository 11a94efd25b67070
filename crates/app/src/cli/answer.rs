//! The answers of a command that did not succeed, and the exit status of each.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use keymint_domain::ErrorCode;
use keymint_service::ServiceError;

use super::output::NobodyReads;

/// The exit status of a command that failed.
const FAILED: u8 = 1;
/// The exit status of a command line that cannot be read, as clap has it.
const MISUSED: u8 = 2;
/// The exit status if Keymint answers no.
const REFUSED: u8 = 3;

/// The exit status of a program that a broken pipe has ended, in a shell: 128 plus the number of SIGPIPE.
///
/// It is not 0, since the unread output may include a refusal.
const BROKEN_PIPE: u8 = 141;

/// The result of a command that did its work, for the exit status.
pub(crate) enum Outcome {
    /// The command succeeded.
    Done,
    /// The command did its work, and the answer is no: a key that is not valid.
    No,
}

/// The error of a command line whose values cannot be read. Nothing was asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misused(pub(super) String);

/// The refusal of a request that Keymint understood. Nothing was changed.
#[derive(Debug)]
pub(super) struct Refused {
    code: Option<Box<str>>,
    message: Cow<'static, str>,
}

impl Refused {
    pub(super) const fn new(message: &'static str) -> Self {
        Self { code: None, message: Cow::Borrowed(message) }
    }

    pub(super) fn because(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: None, message: message.into() }
    }

    /// Returns a refusal in the wire's words.
    pub(super) fn with_code(code: impl Into<Box<str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code.into()), message: message.into() }
    }

    /// Returns true if an error is a refusal with this code.
    pub(super) fn has_code(error: &(dyn Error + 'static), code: ErrorCode) -> bool {
        let refused = error.downcast_ref::<Self>();
        refused.and_then(|refused| refused.code.as_deref()).is_some_and(|found| found == code.as_str())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Error for Refused {}

/// Returns an error of a use case: a refusal in the wire's words, and any other error as it is.
pub(super) fn refused(error: ServiceError) -> Box<dyn Error> {
    match error {
        ServiceError::Refused(code) => Refused::with_code(code.as_str(), code.message()).into(),
        other => other.into(),
    }
}

/// Returns the exit status of a command.
pub(super) fn status(result: &Result<Outcome, Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::No) => REFUSED.into(),
        Err(error) if error.is::<NobodyReads>() => BROKEN_PIPE.into(),
        Err(error) if error.is::<Refused>() => REFUSED.into(),
        Err(error) if error.is::<Misused>() => MISUSED.into(),
        Err(_) => FAILED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_its_code() {
        let error = refused(ServiceError::Refused(ErrorCode::KeyNotFound));
        assert!(
            Refused::has_code(&*error, ErrorCode::KeyNotFound) && !Refused::has_code(&*error, ErrorCode::KeyRevoked)
        );
        assert_eq!(error.to_string(), format!("KEY_NOT_FOUND: {}", ErrorCode::KeyNotFound.message()));
        let failed = refused(ServiceError::Overloaded);
        assert!(!Refused::has_code(&*failed, ErrorCode::KeyNotFound));
    }
}
