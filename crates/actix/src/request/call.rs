use std::fmt;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use keymint_domain::key::PlainKey;
use keymint_domain::{ErrorCode, Policy};
use keymint_service::{Caller, KeyHolder, ServiceError, SignedIn};
use serde_json::Value;

use super::caller::is_server;
use super::pairs;
use super::{JsonBody, Judged, proven_address};
use crate::live::CurrentApi;
use crate::session::Outbox;
use crate::validate::Object;
use crate::wire::show_limits;
use crate::{Api, ApiError, origin};

/// A request that a user may make, after what all of them go through, in Better Auth's order (docs/better-auth-wire.md 1.2): its
/// body is read, it comes from a trusted origin, and the key that it shows, if any, has been paid for.
pub struct Call {
    /// The request itself.
    pub(crate) http: HttpRequest,
    /// What every route works with.
    pub(crate) api: CurrentApi,
    body: Option<Value>,
    credential: Credential,
}

/// How the request shows whose it is, as far as that is looked at before its members are.
enum Credential {
    Server,
    Key {
        holder: Box<KeyHolder>,
        text: PlainKey,
    },
    /// A session, or nothing.
    Other,
}

impl FromRequest for Call {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let http = request.clone();
        // A body means nothing on GET (RFC 9110 9.3.1), and Better Auth does not look at one.
        let reading = (http.method() != Method::GET).then(|| JsonBody::from_request(request, payload));
        Box::pin(async move {
            let api = CurrentApi::of(&http)?;
            let body = match reading {
                Some(reading) => reading.await?.0,
                None => None,
            };
            let trusted = &api.options.trusted_origins;
            origin::check_origin(&http, trusted)?;
            if http.method() != Method::GET {
                origin::check_callbacks(body.as_ref(), query_callback(&http).as_deref(), trusted)?;
            }
            let credential = Credential::of(&http, &api).await?;
            Ok(Self { http, api, body, credential })
        })
    }
}

impl Credential {
    async fn of(http: &HttpRequest, api: &Api) -> Result<Self, ApiError> {
        if is_server(http, api).await? {
            return Ok(Self::Server);
        }
        let Some((header, text)) = shown_key(api.keys.policy(), http.headers()) else {
            return Ok(Self::Other);
        };
        let client = proven_address(http, &api.options.trusted_proxies);
        let holder = api.keys.open_session(text.clone(), header, client).await?;
        Judged::accepted(http, api, &holder.key);
        Outbox::fill(http, |headers| show_limits(headers, api.keys.standings(&holder.key)));
        Ok(Self::Key { holder: Box::new(holder), text })
    }
}

/// The first key that the request shows in a header by which keys open sessions, and that header. A text that is not
/// ASCII is nobody's key.
fn shown_key<'a>(policy: &'a Policy, headers: &HeaderMap) -> Option<(&'a str, PlainKey)> {
    let shown = |name: &&str| headers.get(*name).is_some_and(|value| !value.is_empty());
    let name = policy.session_headers().find(shown)?;
    let text = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())?;
    Some((name, PlainKey::new(text)))
}

fn query_callback(http: &HttpRequest) -> Option<String> {
    pairs(http.query_string())?.into_iter().find(|(name, _)| name == "callbackURL").map(|(_, value)| value)
}

impl Call {
    /// The members of the body, to be read one by one.
    pub(crate) fn members(&self) -> Result<Object<'_>, ApiError> {
        Object::body(self.body.as_ref())
    }

    /// The body as it came.
    pub(crate) fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// The members of the query.
    pub(crate) fn query(&self) -> Result<Object<'_>, ApiError> {
        Object::query(&self.http)
    }

    /// Whether the request may come from where it does although it signs somebody in or up.
    pub(crate) fn check_form(&self) -> Result<(), ErrorCode> {
        origin::check_form(self.http.headers(), &self.api.options.trusted_origins)
    }

    /// The holder of the key that the request shows, and the key's text.
    pub(crate) fn key_holder(&self) -> Option<(&KeyHolder, &PlainKey)> {
        match &self.credential {
            Credential::Key { holder, text } => Some((holder, text)),
            Credential::Server | Credential::Other => None,
        }
    }

    /// Who is signed in by the session that the request shows.
    pub(crate) async fn signed_in(&self) -> Result<Option<SignedIn>, ServiceError> {
        match &self.api.sessions {
            Some(sessions) => sessions.find(&self.http, self.may_refresh()).await,
            None => Ok(None),
        }
    }

    /// Who asks. A banned user is refused.
    pub(crate) async fn caller(&self) -> Result<Caller, ServiceError> {
        match &self.credential {
            Credential::Server => Ok(Caller::Server),
            Credential::Key { holder, .. } => {
                let may_manage_keys = holder.may_manage_keys;
                Ok(Caller::KeyHolder { user: holder.user.id.clone(), may_manage_keys })
            }
            Credential::Other => match (&self.api.sessions, self.signed_in().await) {
                (Some(sessions), Ok(Some(signed_in))) => sessions.identity.caller(signed_in),
                (_, Ok(_) | Err(ServiceError::Refused(ErrorCode::FailedToGetSession))) => Ok(Caller::Anyone),
                (_, Err(error)) => Err(error),
            },
        }
    }

    /// Better Auth reads `disableRefresh` on every endpoint, and as JavaScript does: any text but the empty one means yes.
    fn may_refresh(&self) -> bool {
        let is_set = |(name, value): &(String, String)| name == "disableRefresh" && !value.is_empty();
        !pairs(self.http.query_string()).is_some_and(|pairs| pairs.iter().any(is_set))
    }
}

/// Nothing of its content, which holds keys and passwords.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}
