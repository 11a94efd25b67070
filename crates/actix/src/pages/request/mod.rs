//! The request for a page: what came, in `mod.rs`, and what pages do with users by it.

mod account;
mod links;
mod sign_in;

use std::cell::RefCell;
use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use keymint_domain::{KeyId, OwnerId};
use keymint_service::{Caller, Context, ServiceError, Source, Turn};
use percent_encoding::percent_decode_str;

use crate::api::Api;
use crate::callers::cookie;
use crate::callers::session::{Outbox, Sessions};
use crate::error::ApiError;
use crate::extract::{context_of, read_form, source_of};
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
        id_of(&self.http, &self.api)
    }

    /// Returns the first value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        cookie(self.http.headers(), name)
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

/// Returns the id of a request for a page, by which the log has it.
pub fn request_id(http: &HttpRequest) -> String {
    CurrentApi::of(http).map_or_else(|_| "-".to_owned(), |api| id_of(http, &api))
}

fn id_of(http: &HttpRequest, api: &Api) -> String {
    let id = api.process.request_ids.keep(http, api.keys.policy());
    id.to_str().unwrap_or("-").to_owned()
}

/// Shows nothing of the content, which holds keys and passwords.
impl fmt::Debug for PageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageRequest")
    }
}
