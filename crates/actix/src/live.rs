use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use arc_swap::ArcSwap;

use crate::api::Api;
use crate::error::ApiError;

/// The API that serves requests. It can be replaced at run time. A clone is another handle on the same API.
#[derive(Clone)]
pub struct LiveApi(Arc<ArcSwap<Api>>);

impl LiveApi {
    /// Starts with `api`.
    pub fn new(api: Api) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(api)))
    }

    /// Returns the API that serves requests that start now.
    pub fn current(&self) -> Arc<Api> {
        self.0.load_full()
    }

    /// Replaces the API for requests that start from now on, by one of [`Api::reconfigured`]. Open requests keep
    /// theirs.
    pub fn replace(&self, api: Api) {
        self.0.store(Arc::new(api));
    }
}

impl fmt::Debug for LiveApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveApi").field(&self.current()).finish()
    }
}

/// The API at the start of a request, the same for all of its extractors.
#[derive(Debug, Clone)]
pub(crate) struct CurrentApi(Arc<Api>);

impl CurrentApi {
    /// Returns the API of a request.
    ///
    /// # Errors
    ///
    /// Returns `NOT_FOUND` if no API is mounted.
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        if let Some(known) = request.extensions().get::<Self>() {
            return Ok(known.clone());
        }
        let current = Self(request.app_data::<LiveApi>().ok_or(ApiError::NotFound)?.current());
        request.extensions_mut().insert(current.clone());
        Ok(current)
    }
}

impl Deref for CurrentApi {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.0
    }
}

impl FromRequest for CurrentApi {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}
