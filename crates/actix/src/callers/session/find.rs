use actix_web::HttpRequest;
use keymint_domain::ErrorCode;
use keymint_domain::identity::SessionToken;
use keymint_service::{ServiceError, SignedIn};

use super::{Outbox, Sessions};
use crate::callers::bearer_token;

/// The session token that a request shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PresentedToken {
    /// Shown as `Authorization: Bearer`. The client stores the token itself, so that no cookies are sent to it.
    Bearer(SessionToken),
    /// Shown in the session cookie.
    Cookie(SessionToken),
}

impl PresentedToken {
    /// Returns the token.
    pub(crate) fn token(&self) -> &SessionToken {
        match self {
            Self::Bearer(token) | Self::Cookie(token) => token,
        }
    }
}

impl Sessions {
    /// Returns the tokens that a request shows: a bearer token, which comes first, and a cookie. A bearer token with another
    /// signature than ours is none.
    pub(crate) fn presented(&self, request: &HttpRequest) -> impl Iterator<Item = PresentedToken> {
        let bearer =
            bearer_token(request).and_then(|shown| self.cookies.bearer_token(shown)).map(PresentedToken::Bearer);
        let cookie = self.cookies.session_token(request.headers()).map(PresentedToken::Cookie);
        bearer.into_iter().chain(cookie)
    }

    /// Returns the cookies that set the session again, for as long as the browser keeps the one of the request.
    pub(crate) fn renewed(&self, request: &HttpRequest, token: &SessionToken) -> Vec<String> {
        self.cookies.set(token, !self.cookies.is_to_be_forgotten(request.headers()))
    }

    /// Returns the user of the session that the request shows. The cookie of a refreshed session is sent again; cookies of
    /// an invalid session are cleared.
    pub(crate) async fn find(
        &self,
        request: &HttpRequest,
        may_refresh: bool,
    ) -> Result<Option<SignedIn>, ServiceError> {
        let Some(presented) = self.presented(request).next() else {
            return Ok(None);
        };
        let by_cookie = matches!(presented, PresentedToken::Cookie(_));
        let may_refresh = may_refresh && !(by_cookie && self.cookies.is_to_be_forgotten(request.headers()));
        let found = self.identity.session(presented.token(), may_refresh).await;
        let gone = matches!(found, Ok(None) | Err(ServiceError::Refused(ErrorCode::FailedToGetSession)));
        if by_cookie && gone {
            Outbox::send(request, self.cookies.clear());
        }
        let found = found?;
        if let (true, Some(found)) = (by_cookie, found.as_ref().filter(|found| found.refreshed)) {
            Outbox::send(request, self.cookies.set(&found.signed_in.session.token, true));
        }
        Ok(found.map(|found| found.signed_in))
    }
}
