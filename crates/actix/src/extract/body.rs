use std::fmt;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use crate::api::Api;
use crate::error::ApiError;
use crate::live::CurrentApi;
use crate::members::pairs;

/// A JSON body; `None` = the request has none, which zod calls `undefined`.
pub(crate) struct JsonBody(pub(crate) Option<Value>);

/// Marks a resource that also takes the bodies of HTML forms; the mark is data of the resource
/// (docs/better-auth-wire.md 2.4).
#[derive(Debug, Clone, Copy)]
pub(crate) struct TakesForms;

/// Shows nothing of the content, which may be a key.
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
            let api = CurrentApi::of(&request)?;
            let bytes = read_in_time(&api, payload, api.options.body_limit).await?;
            if bytes.is_empty() {
                return Ok(Self(None));
            }
            let value = match media_type(&request)? {
                MediaType::Json => serde_json::from_slice(without_mark(&bytes)).map_err(|_| ApiError::InvalidJson)?,
                MediaType::Form => parse_form(&bytes)?,
            };
            Ok(Self(Some(value)))
        })
    }
}

/// Reads a JSON body of at most `limit` bytes as it came, for a signature over its bytes.
///
/// # Errors
///
/// The body is longer, slow or cut off, or has another media type.
pub(crate) async fn read_raw_json(
    request: &HttpRequest,
    api: &Api,
    payload: Payload,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let bytes = read_in_time(api, payload, limit).await?;
    media_type(request)?;
    Ok(bytes)
}

/// Reads the fields of an HTML form, in their order.
///
/// # Errors
///
/// The body is too long, slow, cut off or no form.
pub(crate) async fn read_form(
    request: &HttpRequest,
    api: &Api,
    payload: Payload,
) -> Result<Vec<(String, String)>, ApiError> {
    let bytes = read_in_time(api, payload, api.options.body_limit).await?;
    let given = request.headers().get(header::CONTENT_TYPE).map(|given| String::from_utf8_lossy(given.as_bytes()));
    if !bytes.is_empty() && !given.as_ref().is_some_and(|given| given.to_ascii_lowercase().contains(FORM)) {
        return Err(ApiError::MediaType { given: given.map(std::borrow::Cow::into_owned), allowed: FORM });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| ApiError::BrokenBody)?;
    pairs(text).ok_or(ApiError::BrokenBody)
}

async fn read_in_time(api: &Api, payload: Payload, limit: usize) -> Result<Bytes, ApiError> {
    let reading = tokio::time::timeout(api.options.body_timeout, read(payload, limit));
    reading.await.map_err(|_| ApiError::SlowBody)?
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

/// Returns JSON without a byte order mark, which Better Auth drops too.
fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json)
}

enum MediaType {
    Json,
    Form,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Returns the media type of a body. Better Auth takes any that contains the name of a known one
/// (docs/better-auth-wire.md 13.3).
fn media_type(request: &HttpRequest) -> Result<MediaType, ApiError> {
    let takes_forms = request.app_data::<TakesForms>().is_some();
    let allowed = if takes_forms { "application/x-www-form-urlencoded, application/json" } else { JSON };
    let Some(given) = request.headers().get(header::CONTENT_TYPE) else {
        return Err(ApiError::MediaType { given: None, allowed });
    };
    let given = String::from_utf8_lossy(given.as_bytes());
    let lower = given.to_ascii_lowercase();
    if lower.contains(JSON) {
        Ok(MediaType::Json)
    } else if takes_forms && lower.contains(FORM) {
        Ok(MediaType::Form)
    } else {
        Err(ApiError::MediaType { given: Some(given.into_owned()), allowed })
    }
}

/// Returns a form's fields as texts; the last one of a name counts.
fn parse_form(bytes: &[u8]) -> Result<Value, ApiError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ApiError::BrokenBody)?;
    let fields = pairs(text).ok_or(ApiError::BrokenBody)?;
    let fields = fields.into_iter().map(|(name, value)| (name, Value::String(value)));
    Ok(Value::Object(fields.collect::<Map<_, _>>()))
}
