use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use keymint_domain::key::PlainKey;
use keymint_domain::{ErrorCode, KeyId, OwnerId, Policy};
use keymint_service::{Caller, Context, KeyHolder, ServiceError, SignedIn, Source};
use serde_json::Value;

use super::JsonBody;
use super::context::{context_of, source_of};
use crate::api::Api;
use crate::callers::session::{Outbox, Sessions};
use crate::callers::{bearer_token, client_address, is_server, proven_address};
use crate::error::ApiError;
use crate::live::CurrentApi;
use crate::members::{Members, pairs};
use crate::observe::{AccessNote, ChangeNote};
use crate::origin;
use crate::views::limits::show_limits;

/// A request of an endpoint for users, after the checks that all of them share, in Better Auth's order
/// (docs/better-auth-wire.md 1.2): its body is read, it comes from a trusted origin, and a key that it shows has been
/// verified and charged.
pub(crate) struct UserRequest {
    /// The request itself.
    pub(crate) http: HttpRequest,
    /// The API that serves it.
    pub(crate) api: CurrentApi,
    body: Option<Value>,
    credential: Credential,
}

/// The parameter that leaves the end of a session where it is.
pub(crate) const DISABLE_REFRESH: &str = "disableRefresh";

/// The credential of a request, as far as it is checked before the members.
enum Credential {
    Server,
    Key {
        holder: Box<KeyHolder>,
        text: PlainKey,
    },
    /// A session, or nothing.
    Other,
}

impl FromRequest for UserRequest {
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
        if is_server(http, &api.server_keys).await? {
            return Ok(Self::Server);
        }
        let Some((header, text)) = presented_key(api.keys.policy(), http.headers()) else {
            return Ok(Self::Other);
        };
        let client = proven_address(http, &api.options.trusted_proxies);
        let fields = api.options.limit_fields;
        let holder = api.keys.open_session(text.clone(), header, client).await.map_err(|error| match error {
            ServiceError::KeyRefused(refusal) => ApiError::KeyRefused(refusal, fields),
            error => error.into(),
        })?;
        api.note(http, || AccessNote::accepted(&holder.key));
        Outbox::fill(http, |headers| show_limits(headers, fields, api.keys.standings(&holder.key)));
        Ok(Self::Key { holder: Box::new(holder), text })
    }
}

/// Returns the first key that the request shows in a header by which keys open sessions, and the name of that header. A
/// text that is not ASCII is nobody's key.
fn presented_key<'a>(policy: &'a Policy, headers: &HeaderMap) -> Option<(&'a str, PlainKey)> {
    let presented = |name: &&str| headers.get(*name).is_some_and(|value| !value.is_empty());
    let name = policy.session_headers().find(presented)?;
    let text = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())?;
    Some((name, PlainKey::new(text)))
}

fn query_callback(http: &HttpRequest) -> Option<String> {
    pairs(http.query_string())?.into_iter().find(|(name, _)| name == "callbackURL").map(|(_, value)| value)
}

impl UserRequest {
    /// Reads members of the body by `read`.
    ///
    /// # Errors
    ///
    /// The body is no object, or a member is missing or wrong.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut Members<'_>) -> Option<T>) -> Result<T, ApiError> {
        Members::read_body(self.body.as_ref(), read)
    }

    /// Reads members of the query by `read`.
    ///
    /// # Errors
    ///
    /// The query is malformed, or a member is missing or wrong.
    pub(crate) fn read_query<T>(&self, read: impl FnOnce(&mut Members<'_>) -> Option<T>) -> Result<T, ApiError> {
        Members::read_query(&self.http, read)
    }

    /// Returns the body as it came.
    pub(crate) fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// Returns the sessions of users.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND`: nobody signs in here.
    pub(crate) fn sessions(&self) -> Result<&Sessions, ApiError> {
        self.api.sessions.as_ref().ok_or(ApiError::NotFound)
    }

    /// Returns the client's address, as far as it is known.
    pub(crate) fn client_address(&self) -> Option<IpAddr> {
        client_address(&self.http, &self.api.options.trusted_proxies)
    }

    /// Checks the origin of a request that signs somebody in or up.
    pub(crate) fn check_form(&self) -> Result<(), ErrorCode> {
        origin::check_form(self.http.headers(), &self.api.options.trusted_origins)
    }

    /// Returns the holder of the key that the request shows, and the key's text.
    pub(crate) fn key_holder(&self) -> Option<(&KeyHolder, &PlainKey)> {
        match &self.credential {
            Credential::Key { holder, text } => Some((holder, text)),
            Credential::Server | Credential::Other => None,
        }
    }

    /// Returns the user of the session that the request shows.
    pub(crate) async fn signed_in(&self) -> Result<Option<SignedIn>, ServiceError> {
        match &self.api.sessions {
            Some(sessions) => sessions.find(&self.http, self.may_refresh()).await,
            None => Ok(None),
        }
    }

    /// Returns the caller.
    ///
    /// # Errors
    ///
    /// The user is banned, or the store has failed.
    pub(crate) async fn caller(&self) -> Result<Caller, ServiceError> {
        match &self.credential {
            Credential::Server => Ok(Caller::Server),
            Credential::Key { holder, .. } => {
                let (key, user) = (holder.key.details.id.clone(), holder.user.id.clone());
                Ok(Caller::KeyHolder { key, user, may_manage_keys: holder.may_manage_keys })
            }
            Credential::Other => match (&self.api.sessions, self.signed_in().await) {
                (Some(sessions), Ok(Some(signed_in))) => sessions.identity.caller(signed_in),
                (_, Ok(_) | Err(ServiceError::Refused(ErrorCode::FailedToGetSession))) => Ok(Caller::Anyone),
                (_, Err(error)) => Err(error),
            },
        }
    }

    /// Returns the caller with the source of the request, for a change.
    pub(crate) fn context<'a>(&self, caller: &'a Caller) -> Context<'a> {
        context_of(&self.http, &self.api, caller)
    }

    /// Returns the source of the request, without its server key.
    pub(crate) fn source(&self) -> Source {
        source_of(&self.http, &self.api)
    }

    /// Attaches a note to the request that `caller` changed a key.
    pub(crate) fn note_change(&self, caller: &Caller, key_id: &KeyId, owner: Option<&OwnerId>) {
        self.api.note(&self.http, || ChangeNote {
            actor: self.actor(caller),
            key_id: Some(key_id.clone()),
            owner: owner.cloned(),
        });
    }

    /// Attaches a note to the request that `caller` changed keys of this owner.
    pub(crate) fn note_change_of_many(&self, caller: &Caller, owner: &OwnerId) {
        let owner = Some(owner.clone());
        self.api.note(&self.http, || ChangeNote { actor: self.actor(caller), key_id: None, owner });
    }

    fn actor(&self, caller: &Caller) -> String {
        match caller {
            Caller::User(user) | Caller::Operator(user) | Caller::KeyHolder { user, .. } => {
                format!("user:{}", user.as_str())
            }
            Caller::Portal { owner, may: _ } => format!("portal:{}", owner.as_str()),
            Caller::Server => {
                let id = bearer_token(&self.http).and_then(|token| self.api.server_keys.id_of(token));
                id.map_or_else(|| "server".to_owned(), |id| format!("server:{}", id.as_str()))
            }
            // Neither of them changes keys.
            Caller::Gateway | Caller::Anyone => "nobody".to_owned(),
        }
    }

    /// Returns false if `disableRefresh` is set. Better Auth reads it on every endpoint, and as JavaScript does: any text but
    /// the empty one means yes.
    fn may_refresh(&self) -> bool {
        let is_set = |(name, value): &(String, String)| name == DISABLE_REFRESH && !value.is_empty();
        !pairs(self.http.query_string()).is_some_and(|pairs| pairs.iter().any(is_set))
    }
}

/// Shows nothing of the content, which holds keys and passwords.
impl fmt::Debug for UserRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserRequest")
    }
}
