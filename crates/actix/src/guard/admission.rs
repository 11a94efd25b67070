use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use keymint_domain::verify::{Cost, Refusal};
use keymint_domain::{ConfigId, ErrorCode, Permissions};
use keymint_service::{ServiceError, VerifyKey};
use tokio::sync::OnceCell;

use super::{KeyCheck, VerifiedKey, VerifierError};
use crate::callers::proven_address;
use crate::error::ApiError;

/// The way in which a guard admitted a request, for handlers behind a guard that fails open. Behind other guards it is
/// always [`Admission::Verified`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// The key is valid.
    Verified(Box<VerifiedKey>),
    /// The key could not be verified, and the guard fails open. Nothing is known about the key.
    Unverified,
}

/// The properties that a guard requires of a key.
#[derive(Debug, Clone, Default)]
pub(super) struct Requirement {
    pub(super) config_id: Option<ConfigId>,
    pub(super) permissions: Option<Permissions>,
    pub(super) cost: Cost,
    pub(super) fails_open: bool,
}

/// The one verification of a request, shared by all of its guards and extractors. A failed call is kept too, because it
/// may have been charged.
#[derive(Clone, Default)]
struct Verification(Rc<State>);

#[derive(Default)]
struct State {
    answer: OnceCell<Result<Result<VerifiedKey, Refusal>, VerifierError>>,
    /// True if a guard admitted the request without an answer.
    is_waved_through: Cell<bool>,
}

impl Verification {
    fn of(request: &HttpRequest) -> Self {
        let mut extensions = request.extensions_mut();
        if let Some(known) = extensions.get::<Self>() {
            return known.clone();
        }
        let verification = Self::default();
        extensions.insert(verification.clone());
        verification
    }

    /// Verifies the key of `request` at the first call. Returns the answer, and true if this call was the first.
    async fn answer(
        &self,
        request: &HttpRequest,
        requirement: &Requirement,
    ) -> Result<(&Result<Result<VerifiedKey, Refusal>, VerifierError>, bool), ApiError> {
        let mut is_first = false;
        let Some(check) = request.app_data::<KeyCheck>() else {
            return Err(VerifierError::failed("there is no KeyCheck in the application's data").into());
        };
        let key = check.headers.key(request.headers())?;
        let verify = || {
            is_first = true;
            let Requirement { config_id, permissions, cost, .. } = requirement.clone();
            let client_ip = proven_address(request, &check.trusted_proxies);
            check.verifier.verify(VerifyKey { config_id, permissions, cost, client_ip, ..VerifyKey::of(key) })
        };
        let answer = self.0.answer.get_or_init(verify).await;
        Ok((answer, is_first))
    }
}

impl Requirement {
    /// Admits a request if its key meets the requirement. Only the first call is charged.
    ///
    /// # Errors
    ///
    /// Returns the refusal, or the reason why the key cannot be verified.
    pub(super) async fn admit(&self, request: &HttpRequest) -> Result<Admission, ApiError> {
        let verification = Verification::of(request);
        let (answer, is_first) = verification.answer(request, self).await?;
        match answer {
            Ok(Ok(key)) if is_first => Ok(Admission::Verified(Box::new(key.clone()))),
            Ok(Ok(key)) => self.check(key).map(|()| Admission::Verified(Box::new(key.clone()))),
            Ok(Err(refusal)) => Err(refused(refusal.clone())),
            Err(VerifierError::Unavailable(_)) if self.fails_open => {
                verification.0.is_waved_through.set(true);
                Ok(Admission::Unverified)
            }
            Err(error) => Err(error.clone().into()),
        }
    }

    /// Checks a key that was verified for another requirement.
    ///
    /// # Errors
    ///
    /// Returns the refusal.
    fn check(&self, key: &VerifiedKey) -> Result<(), ApiError> {
        if self.config_id.as_ref().is_some_and(|asked| *asked != key.config_id) {
            return Err(ErrorCode::InvalidApiKey.into());
        }
        match self.permissions.as_ref().and_then(|asked| key.missing(asked)) {
            None => Ok(()),
            missing => Err(refused(Refusal { missing, ..Refusal::of_unknown(ErrorCode::KeyNotFound) })),
        }
    }
}

/// Converts a refusal into a guard's error. For missing permissions Better Auth's `KEY_NOT_FOUND` would be a 404, which
/// a client would take for the route's.
fn refused(refusal: Refusal) -> ApiError {
    let code = match refusal.code {
        ErrorCode::KeyNotFound => ErrorCode::InsufficientPermissions,
        code => code,
    };
    ServiceError::KeyRefused(Refusal { code, ..refusal }).into()
}

impl Admission {
    /// Returns the admission of a request. Without a guard, this verifies its key.
    pub(super) async fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let fails_open = Verification::of(request).0.is_waved_through.get();
        Requirement { fails_open, ..Requirement::default() }.admit(request).await
    }

    /// Returns the key; `None` = it could not be verified.
    pub fn verified(&self) -> Option<&VerifiedKey> {
        match self {
            Self::Verified(key) => Some(key),
            Self::Unverified => None,
        }
    }

    /// Returns the key.
    ///
    /// # Errors
    ///
    /// Returns the error of a guard that fails closed.
    pub(super) fn into_verified(self) -> Result<VerifiedKey, ApiError> {
        match self {
            Self::Verified(key) => Ok(*key),
            Self::Unverified => Err(VerifierError::unavailable("the handler takes verified keys only").into()),
        }
    }
}

impl FromRequest for Admission {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await })
    }
}
