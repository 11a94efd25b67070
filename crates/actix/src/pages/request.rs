use std::cell::RefCell;
use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use keymint_domain::identity::{EditUser, Password, Session, SignUp, User};
use keymint_domain::link::LinkPurpose;
use keymint_domain::{ErrorCode, KeyId, OwnerId};
use keymint_service::{
    Caller, Context, Identity, IdentityOptions, Portal, ServiceError, SignIn, SignedIn, Source, Turn,
};
use percent_encoding::percent_decode_str;

use crate::api::Api;
use crate::callers::session::{Outbox, Sessions};
use crate::error::ApiError;
use crate::extract::{admit, context_of, read_form, source_of};
use crate::live::CurrentApi;
use crate::members::pairs;
use crate::observe::ChangeNote;
use crate::origin;

/// A request for a page, with all that pages share with the API.
pub struct PageRequest {
    http: HttpRequest,
    api: CurrentApi,
    payload: RefCell<Option<Payload>>,
}

impl FromRequest for PageRequest {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(http: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let api = CurrentApi::of(http);
        let payload = RefCell::new(Some(payload.take()));
        ready(api.map(|api| Self { http: http.clone(), api, payload }))
    }
}

impl PageRequest {
    /// Returns the request itself.
    pub fn http(&self) -> &HttpRequest {
        &self.http
    }

    /// Returns the API that serves the request, the same one until its end.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Returns a parameter of the path, decoded.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND`: it is not UTF-8.
    pub fn parameter(&self, name: &str) -> Result<String, ApiError> {
        let text = self.http.match_info().get(name).unwrap_or_default();
        percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| ApiError::NotFound)
    }

    /// Returns the parameters of the query, in their order.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR`: the query is malformed.
    pub fn query(&self) -> Result<Vec<(String, String)>, ApiError> {
        pairs(self.http.query_string()).ok_or_else(|| ApiError::Validation("The query is malformed.".to_owned()))
    }

    /// Reads the fields of the form that the request sends, in their order, once. The form must come from a trusted
    /// origin.
    ///
    /// # Errors
    ///
    /// The origin is not trusted; the body is too long, slow, cut off or no form.
    pub async fn form(&self) -> Result<Vec<(String, String)>, ApiError> {
        let payload = self.payload.borrow_mut().take();
        let fields = match payload {
            Some(payload) => read_form(&self.http, &self.api, payload).await?,
            None => Vec::new(),
        };
        origin::check_form(self.http.headers(), &self.api.options.trusted_origins)?;
        Ok(fields)
    }

    /// Returns the id of the request, by which the log has it.
    pub fn id(&self) -> String {
        let id = self.api.process.request_ids.keep(&self.http, self.api.keys.policy());
        id.to_str().unwrap_or("-").to_owned()
    }

    /// Returns the user who is signed in. A session that is due is refreshed, and the cookies of an ended one are cleared.
    ///
    /// # Errors
    ///
    /// The session ended while it was refreshed, or the store has failed.
    pub async fn signed_in(&self) -> Result<Option<SignedIn>, ServiceError> {
        let _turn = self.api.process.reads.take().await?;
        match &self.api.sessions {
            Some(sessions) => sessions.find(&self.http, true).await,
            None => Ok(None),
        }
    }

    /// Returns the caller that the use cases take for a user who is signed in, and who may be an operator.
    ///
    /// # Errors
    ///
    /// `USER_BANNED`; `NOT_FOUND` if nobody signs in here; the store fails.
    pub async fn caller(&self, signed_in: SignedIn) -> Result<Caller, ApiError> {
        Ok(self.sessions()?.identity.caller_in_person(signed_in).await?)
    }

    /// Returns the options of the bundled identity; `None` = nobody signs in here.
    pub fn identity(&self) -> Option<IdentityOptions> {
        self.api.sessions.as_ref().map(|sessions| sessions.identity.options())
    }

    /// Signs a user in, and sets the cookies of their session.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::sign_in`](keymint_service::Identity::sign_in).
    pub async fn sign_in(&self, asked: SignIn) -> Result<SignedIn, ApiError> {
        let sessions = self.sessions()?;
        let client = admit(&self.http, &self.api, sessions)?;
        let remember = asked.remember;
        let signed_in = sessions.identity.sign_in(asked, client, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.set(&signed_in.session.token, remember));
        Ok(signed_in)
    }

    /// Makes a user, and sets the cookies of their first session.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::sign_up`](keymint_service::Identity::sign_up).
    pub async fn sign_up(&self, asked: SignUp, remember: bool) -> Result<SignedIn, ApiError> {
        let sessions = self.sessions()?;
        let client = admit(&self.http, &self.api, sessions)?;
        let signed_in = sessions.identity.sign_up(asked, client, remember, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.set(&signed_in.session.token, remember));
        Ok(signed_in)
    }

    /// Ends the sessions that the request shows, and clears their cookies.
    ///
    /// # Errors
    ///
    /// Nobody signs in here, or the store has failed.
    pub async fn sign_out(&self) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        for presented in sessions.presented(&self.http) {
            sessions.identity.sign_out(presented.token(), &self.source()).await?;
        }
        Outbox::send(&self.http, sessions.cookies.clear());
        Ok(())
    }

    /// Looks at a link that makes an operator or another password; it stays as it is. `None` = it may not be used now.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has guessed too often; the store fails.
    pub async fn look_at_link(&self, token: &str) -> Result<Option<LinkPurpose>, ApiError> {
        let _turn = self.api.process.reads.take().await?;
        let found = self.sessions()?.identity.look_at_link(token).await?;
        if found.is_none() {
            self.count_guess()?;
        }
        Ok(found)
    }

    /// Makes the first operator by a claim, and sets the cookies of their first session.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::claim`](keymint_service::Identity::claim).
    pub async fn claim(&self, token: &str, asked: SignUp) -> Result<SignedIn, ApiError> {
        let sessions = self.sessions()?;
        let client = admit(&self.http, &self.api, sessions)?;
        let signed_in = sessions.identity.claim(token, asked, client, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.set(&signed_in.session.token, true));
        Ok(signed_in)
    }

    /// Makes a user, who is signed in, the first operator by a claim.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::claim_as`](keymint_service::Identity::claim_as).
    pub async fn claim_as(&self, token: &str, user: &User) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        admit(&self.http, &self.api, sessions)?;
        Ok(sessions.identity.claim_as(token, user, &self.source()).await?)
    }

    /// Sets another password by a reset, ends all sessions of its user, and clears the cookies of the request.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::reset_password`](keymint_service::Identity::reset_password).
    pub async fn reset_password(&self, token: &str, password: Password) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        admit(&self.http, &self.api, sessions)?;
        sessions.identity.reset_password(token, password, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.clear());
        Ok(())
    }

    /// Lists the valid sessions of a user; `None` = theirs is a day old, and they must sign in again to see them.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the errors of [`Identity::list_sessions`](keymint_service::Identity::list_sessions).
    pub async fn sessions_of(&self, signed_in: &SignedIn) -> Result<Option<Vec<Session>>, ApiError> {
        let _turn = self.api.process.reads.take().await?;
        match self.sessions()?.identity.list_sessions(signed_in).await {
            Ok(sessions) => Ok(Some(sessions)),
            Err(ServiceError::Refused(ErrorCode::SessionNotFresh)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the session with this id, if it is one of the user's.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the errors of [`Identity::list_sessions`](keymint_service::Identity::list_sessions).
    pub async fn end_session(&self, signed_in: &SignedIn, id: &str) -> Result<(), ApiError> {
        let identity = &self.sessions()?.identity;
        let sessions = identity.list_sessions(signed_in).await?;
        if let Some(session) = sessions.iter().find(|session| session.id.as_str() == id) {
            identity.revoke_session(signed_in, &session.token, &self.source()).await?;
        }
        Ok(())
    }

    /// Ends all sessions of a user but this one.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the errors of [`Identity::revoke_sessions`](keymint_service::Identity::revoke_sessions).
    pub async fn end_other_sessions(&self, signed_in: &SignedIn) -> Result<(), ApiError> {
        self.sessions()?.identity.revoke_sessions(signed_in, true, &self.source()).await?;
        Ok(())
    }

    /// Changes the name of a user.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the errors of [`Identity::update_user`](keymint_service::Identity::update_user).
    pub async fn update_user(&self, signed_in: &SignedIn, edit: &EditUser) -> Result<User, ApiError> {
        Ok(self.sessions()?.identity.update_user(signed_in, edit, &self.source()).await?)
    }

    /// Changes the password of a user. With `end_others` all their sessions end, and the cookies of a new one are set.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::change_password`](keymint_service::Identity::change_password).
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        current: Password,
        new: Password,
        end_others: bool,
    ) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        let client = end_others.then_some(admit(&self.http, &self.api, sessions)?);
        let began = sessions.identity.change_password(signed_in, current, new, client, &self.source()).await?;
        if let Some(session) = began {
            Outbox::send(&self.http, sessions.renewed(&self.http, &session.token));
        }
        Ok(())
    }

    /// Begins another session of a user who enters their password again, in place of the one that they have.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::sign_in`](keymint_service::Identity::sign_in).
    pub async fn sign_in_again(&self, signed_in: &SignedIn, password: Password) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        let client = admit(&self.http, &self.api, sessions)?;
        let remember = sessions.is_remembered(&self.http);
        let asked = SignIn { email: signed_in.user.email.clone(), password, remember };
        let began = sessions.identity.sign_in(asked, client, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.set(&began.session.token, remember));
        sessions.identity.sign_out(&signed_in.session.token, &self.source()).await?;
        Ok(())
    }

    /// Returns the use cases of users.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND`: nobody signs in here.
    pub fn users(&self) -> Result<&Identity, ApiError> {
        self.sessions().map(|sessions| &*sessions.identity)
    }

    /// Returns the use cases of the portal.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND`: there is no portal here.
    pub fn portal(&self) -> Result<&Portal, ApiError> {
        self.api.portal.as_ref().map(|links| &*links.portal).ok_or(ApiError::NotFound)
    }

    /// Counts a request with a link that may not be used, as a guess, in the throttle of sign-ins.
    ///
    /// # Errors
    ///
    /// The client has guessed too often.
    pub fn count_guess(&self) -> Result<(), ApiError> {
        match &self.api.sessions {
            Some(sessions) => admit(&self.http, &self.api, sessions).map(drop),
            None => Ok(()),
        }
    }

    /// Returns the first value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.http.headers().get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Adds a `Set-Cookie` line to the answer.
    pub fn set_cookie(&self, line: String) {
        Outbox::send(&self.http, vec![line]);
    }

    /// Returns the source of the request, for a change.
    pub fn source(&self) -> Source {
        source_of(&self.http, &self.api)
    }

    /// Returns the caller with the source of the request, for a change.
    pub fn context<'a>(&self, caller: &'a Caller) -> Context<'a> {
        context_of(&self.http, &self.api, caller)
    }

    /// Waits for a turn to read a list: lists take at most a share of the cores, since verifications need them, too.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`] if too many wait.
    pub async fn turn_to_list(&self) -> Result<Turn, ServiceError> {
        self.api.process.lists.take().await
    }

    /// Waits for a turn to read one key.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`] if too many wait.
    pub async fn turn_to_read(&self) -> Result<Turn, ServiceError> {
        self.api.process.reads.take().await
    }

    /// Attaches a note to the request, for the access log, that `actor` changed a key.
    pub fn note_change(&self, actor: impl Into<String>, key: &KeyId, owner: Option<&OwnerId>) {
        let actor = actor.into();
        self.api.note(&self.http, || ChangeNote { actor, key_id: Some(key.clone()), owner: owner.cloned() });
    }

    /// Attaches a note to the request, for the access log, that `actor` changed many keys of an owner.
    pub fn note_change_of_many(&self, actor: impl Into<String>, owner: &OwnerId) {
        let actor = actor.into();
        self.api.note(&self.http, || ChangeNote { actor, key_id: None, owner: Some(owner.clone()) });
    }

    fn sessions(&self) -> Result<&Sessions, ApiError> {
        self.api.sessions.as_ref().ok_or(ApiError::NotFound)
    }
}

/// Shows nothing of the content, which holds keys and passwords.
impl fmt::Debug for PageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageRequest")
    }
}
