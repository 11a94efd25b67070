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
use crate::ApiError;
use crate::request::proven_address;

/// How a request came in, for handlers behind a guard that fails open. Anywhere else it is always
/// [`Admission::Verified`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// By a valid key.
    Verified(Box<VerifiedKey>),
    /// By a key that nobody could verify, since the guard is told to fail open. Nothing is known of it.
    Unverified,
}

/// What a guard asks of a key.
#[derive(Debug, Clone, Default)]
pub(super) struct Requirement {
    pub(super) config_id: Option<ConfigId>,
    pub(super) permissions: Option<Permissions>,
    pub(super) cost: Cost,
    pub(super) fails_open: bool,
}

/// The one verification of a request, for all who ask in its course. It is kept whatever came of it: a call that failed
/// may have been paid.
#[derive(Clone, Default)]
struct Verification(Rc<State>);

#[derive(Default)]
struct State {
    answer: OnceCell<Result<Result<VerifiedKey, Refusal>, VerifierError>>,
    /// A guard has let the request pass although there is no answer.
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

    /// Verifies the key that `request` shows, unless that was done. Says also whether it was done before.
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
    /// Lets a request pass that shows a key as it is asked for. Only the first who asks pays.
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

    /// Whether a key that was verified for somebody else is as it is asked for here.
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

/// What a guard answers. Where permissions are missing, Better Auth's `KEY_NOT_FOUND` would be a 404, which a client takes
/// for the route's.
fn refused(refusal: Refusal) -> ApiError {
    let code = match refusal.code {
        ErrorCode::KeyNotFound => ErrorCode::InsufficientPermissions,
        code => code,
    };
    ServiceError::KeyRefused(Refusal { code, ..refusal }).into()
}

impl Admission {
    /// How the request came in; where no guard has looked, its key is verified here.
    pub(super) async fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let fails_open = Verification::of(request).0.is_waved_through.get();
        Requirement { fails_open, ..Requirement::default() }.admit(request).await
    }

    /// The key; `None` = nobody could verify it.
    pub fn verified(&self) -> Option<&VerifiedKey> {
        match self {
            Self::Verified(key) => Some(key),
            Self::Unverified => None,
        }
    }

    /// The key, or the answer that a guard which fails closed would have given.
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
