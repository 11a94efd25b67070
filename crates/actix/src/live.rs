use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use arc_swap::ArcSwap;

use crate::{Api, ApiError};

/// The API that requests are served by. It can be exchanged while they are: a clone is another handle on the same.
#[derive(Clone)]
pub struct LiveApi(Arc<ArcSwap<Api>>);

impl LiveApi {
    /// Begins with `api`.
    pub fn new(api: Api) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(api)))
    }

    /// What requests that begin now are served by.
    pub fn current(&self) -> Arc<Api> {
        self.0.load_full()
    }

    /// Serves requests that begin from now on by `api`, which [`Api::reconfigured`] makes; those under way go on as they
    /// began.
    pub fn replace(&self, api: Api) {
        self.0.store(Arc::new(api));
    }
}

impl fmt::Debug for LiveApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveApi").field(&self.current()).finish()
    }
}

/// The API as it was when the request was first looked at, the same for everybody who asks in its course.
#[derive(Debug, Clone)]
pub(crate) struct CurrentApi(Arc<Api>);

impl CurrentApi {
    /// Errors: `NOT_FOUND` where no API is mounted.
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
