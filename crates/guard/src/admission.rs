use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keymint_domain::ErrorCode;
use keymint_domain::verify::Refusal;
use keymint_service::VerifyKey;
use tokio::sync::OnceCell;

use crate::denied::AnswerForm;
use crate::{
    DeniedRequest, Headers, KeyCheck, NotAdmitted, Requirement, SUNSET, VerifiedKey, VerifierError, address, one_key,
    sunset,
};

/// The way in which a guard admitted a request, for handlers behind a guard that fails open. Behind other guards it is
/// always [`Admission::Verified`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// The key is valid.
    Verified(Arc<VerifiedKey>),
    /// The key could not be verified, and the guard fails open. Nothing is known about the key.
    Unverified,
}

/// The one verification of a request, shared by all of its guards and extractors: whoever asks first pays. A failed call is kept
/// too, because it may have been charged. A clone is another handle on the same verification.
#[derive(Debug, Clone, Default)]
pub struct Verification(Arc<State>);

type Answer = Result<Result<Arc<VerifiedKey>, Refusal>, VerifierError>;

#[derive(Debug, Default)]
struct State {
    answer: OnceCell<Answer>,
    /// True if a guard admitted the request without an answer.
    is_waved_through: AtomicBool,
}

impl Verification {
    /// Admits a request with these headers from `peer` if its key meets the requirement. The first call verifies the key and is
    /// charged; later ones judge its result. Without a `check` nobody is admitted.
    ///
    /// # Errors
    ///
    /// Returns the reason why the request does not pass, with the answer to it.
    pub async fn admit<H: Headers + Sync>(
        &self,
        check: Option<&KeyCheck>,
        requirement: &Requirement,
        headers: &H,
        peer: Option<IpAddr>,
    ) -> Result<Admission, DeniedRequest> {
        let form = check.map_or_else(AnswerForm::default, |check| check.settings.form);
        let admitted = self.decide(check, requirement, headers, peer).await;
        admitted.map_err(|reason| DeniedRequest { reason, form })
    }

    /// Admits a request of which a handler wants the key. Without a guard before it, this requires any valid key at cost 1.
    ///
    /// # Errors
    ///
    /// Returns the same as [`Verification::admit`].
    pub async fn of_handler<H: Headers + Sync>(
        &self,
        check: Option<&KeyCheck>,
        headers: &H,
        peer: Option<IpAddr>,
    ) -> Result<Admission, DeniedRequest> {
        let fails_open = self.0.is_waved_through.load(Ordering::Relaxed);
        self.admit(check, &Requirement { fails_open, ..Requirement::default() }, headers, peer).await
    }

    async fn decide<H: Headers + Sync>(
        &self,
        check: Option<&KeyCheck>,
        requirement: &Requirement,
        headers: &H,
        peer: Option<IpAddr>,
    ) -> Result<Admission, NotAdmitted> {
        let Some(KeyCheck { verifier, settings }) = check else {
            return Err(NotAdmitted::Unchecked(VerifierError::failed("the application has no KeyCheck")));
        };
        let key = one_key(settings.names.iter().map(String::as_str), settings.form.schemes, headers)?;
        let mut is_first = false;
        let verify = async || {
            is_first = true;
            let Requirement { config_id, permissions, cost, .. } = requirement.clone();
            let client_ip = address::proven(peer, headers, &settings.trusted_proxies);
            let request = VerifyKey { config_id, permissions, cost, client_ip, ..VerifyKey::of(key) };
            verifier.verify(request).await.map(|verdict| verdict.map(Arc::new))
        };
        match self.0.answer.get_or_init(verify).await {
            Ok(Ok(key)) => {
                if !is_first {
                    check_again(key, requirement)?;
                }
                Ok(Admission::Verified(Arc::clone(key)))
            }
            Ok(Err(refusal)) => Err(NotAdmitted::by_code(refusal.clone())),
            Err(VerifierError::Unavailable(_)) if requirement.fails_open => {
                self.0.is_waved_through.store(true, Ordering::Relaxed);
                Ok(Admission::Unverified)
            }
            Err(error) => Err(NotAdmitted::Unchecked(error.clone())),
        }
    }
}

/// Checks a key that was verified for another requirement.
///
/// # Errors
///
/// Returns the refusal.
fn check_again(key: &VerifiedKey, requirement: &Requirement) -> Result<(), NotAdmitted> {
    if requirement.config_id.as_ref().is_some_and(|asked| *asked != key.config_id) {
        return Err(NotAdmitted::by_code(Refusal::of_unknown(ErrorCode::InvalidApiKey)));
    }
    match requirement.permissions.as_ref().and_then(|asked| key.missing(asked)) {
        None => Ok(()),
        missing => Err(NotAdmitted::by_code(Refusal { missing, ..Refusal::of_unknown(ErrorCode::KeyNotFound) })),
    }
}

impl Admission {
    /// Returns the key; `None` = it could not be verified.
    pub fn verified(&self) -> Option<&VerifiedKey> {
        match self {
            Self::Verified(key) => Some(key),
            Self::Unverified => None,
        }
    }

    /// Returns the key, for a handler that works with verified keys only.
    ///
    /// # Errors
    ///
    /// Returns the error of a guard that fails closed.
    pub fn into_verified(self, check: Option<&KeyCheck>) -> Result<Arc<VerifiedKey>, DeniedRequest> {
        match self {
            Self::Verified(key) => Ok(key),
            Self::Unverified => {
                let error = VerifierError::unavailable("the handler takes verified keys only");
                let form = check.map_or_else(AnswerForm::default, |check| check.settings.form);
                Err(DeniedRequest { reason: NotAdmitted::Unchecked(error), form })
            }
        }
    }

    /// Writes the headers of the answer that tell the client of its key, each by one call of `put`: how it stands against its
    /// limits, and the end of a former secret. There are none of a key that was not verified.
    pub fn write_headers(&self, check: &KeyCheck, mut put: impl FnMut(&'static str, String)) {
        let Self::Verified(key) = self else { return };
        check.settings.form.limit_fields.write(key.limits.iter().copied(), &mut put);
        if let Some(date) = key.former_secret_ends_at.and_then(sunset) {
            put(SUNSET, date);
        }
    }
}
