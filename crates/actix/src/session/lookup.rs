use actix_web::HttpRequest;
use keymint_domain::ErrorCode;
use keymint_domain::identity::SessionToken;
use keymint_service::{ServiceError, SignedIn};

use super::{Outbox, Sessions};
use crate::request::bearer_token;

/// The session token that a request shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As `Authorization: Bearer`. The client keeps it as it likes, so that no cookies are sent to it.
    Bearer(SessionToken),
    /// In the session cookie.
    Cookie(SessionToken),
}

impl Shown {
    /// The token.
    pub(crate) fn token(&self) -> &SessionToken {
        match self {
            Self::Bearer(token) | Self::Cookie(token) => token,
        }
    }
}

impl Sessions {
    /// The tokens that a request shows: a bearer token, which goes first, and a cookie. A bearer token that others made,
    /// such as one with dots and a signature of theirs, is none.
    pub(crate) fn shown(&self, request: &HttpRequest) -> impl Iterator<Item = Shown> {
        let bearer = bearer_token(request).and_then(|shown| self.cookies.bearer_token(shown)).map(Shown::Bearer);
        let cookie = self.cookies.session_token(request.headers()).map(Shown::Cookie);
        bearer.into_iter().chain(cookie)
    }

    /// Who is signed in by the session that the request shows. A refreshed session's cookie is sent again; the cookies
    /// of one that does not count are cleared.
    pub(crate) async fn find(
        &self,
        request: &HttpRequest,
        may_refresh: bool,
    ) -> Result<Option<SignedIn>, ServiceError> {
        let Some(shown) = self.shown(request).next() else {
            return Ok(None);
        };
        let by_cookie = matches!(shown, Shown::Cookie(_));
        let may_refresh = may_refresh && !(by_cookie && self.cookies.is_to_be_forgotten(request.headers()));
        let found = self.identity.session(shown.token(), may_refresh).await;
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
