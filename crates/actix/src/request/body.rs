use std::fmt;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use serde_json::Value;

use crate::{Api, ApiError};

/// A JSON body; `None` where the request has none, which zod calls `undefined`.
pub struct JsonBody(pub Option<Value>);

/// Nothing of its content, which may be somebody's key.
impl fmt::Debug for JsonBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonBody")
    }
}

impl FromRequest for JsonBody {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let Some(api) = request.app_data::<web::Data<Api>>() else {
                return Err(ApiError::NotFound);
            };
            let reading = read(payload, api.options.body_limit);
            let bytes =
                tokio::time::timeout(api.options.body_timeout, reading).await.map_err(|_| ApiError::SlowBody)??;
            if bytes.is_empty() {
                return Ok(Self(None));
            }
            check_media_type(&request)?;
            serde_json::from_slice(&bytes).map(|value| Self(Some(value))).map_err(|_| ApiError::InvalidJson)
        })
    }
}

async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::BrokenBody)?;
        if body.len() + chunk.len() > limit {
            return Err(ApiError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Better Auth takes any media type that contains `application/json` (wire document 15.3).
fn check_media_type(request: &HttpRequest) -> Result<(), ApiError> {
    let Some(given) = request.headers().get(header::CONTENT_TYPE) else {
        return Err(ApiError::MediaType(None));
    };
    let given = String::from_utf8_lossy(given.as_bytes());
    if given.to_ascii_lowercase().contains("application/json") {
        return Ok(());
    }
    Err(ApiError::MediaType(Some(given.into_owned())))
}
