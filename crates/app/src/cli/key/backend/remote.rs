use std::time::Duration;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use keymint_actix::endpoints::requests;
use keymint_domain::KeyId;
use keymint_domain::server_key::ServerKeyText;
use keymint_http_client::{Bytes, CallError, HttpClient, Url, parse_base};
use keymint_service::{ChangeRotation, CreateKey, ListKeys, RotateKey, UpdateKey, VerifyKey};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Answer, KeyBackend};
use crate::cli::{CliResult, Misused, Refused, progress};

/// The path of the endpoints, unless the URL names another.
const BASE_PATH: &str = "/api/auth";

/// The timeout of a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// The timeout of an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is read: a list of all keys of a large server.
const ANSWER_BYTES: usize = 1 << 30;

/// The keys of a server elsewhere, by its HTTP API.
///
/// Redirects and the environment's proxies are not followed, because the requests carry keys.
pub(in crate::cli) struct Remote {
    client: HttpClient,
    bearer: HeaderValue,
    base: String,
}

/// The failure to ask a server, or to understand its answer.
#[derive(Debug, thiserror::Error)]
enum RemoteError {
    #[error("{base} cannot be asked")]
    Unreachable {
        base: String,
        #[source]
        source: CallError,
    },
    #[error("{base} does not accept the server key")]
    ServerKey { base: String },
    #[error("what answers at {base} is no Keymint: it answers {status}")]
    Stranger { base: String, status: StatusCode },
    #[error("{base} answers {status}: {message}")]
    Failed { base: String, status: StatusCode, message: String },
}

/// The body of an error (docs/http.md).
#[derive(Deserialize)]
struct ErrorBody {
    code: String,
    message: String,
}

impl Remote {
    /// Makes a client of the server at `url`, which may end with its `server.base_path`.
    ///
    /// # Errors
    ///
    /// Returns [`Misused`] for an invalid URL or server key, and another error if the HTTP client fails to build.
    pub(in crate::cli) fn new(url: &str, server_key: &str) -> CliResult<Self> {
        let base = endpoints(url)?;
        let key = ServerKeyText::parse(server_key).map_err(|error| Misused(format!("the server key {error}")))?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose()))?;
        bearer.set_sensitive(true);
        let client = HttpClient::builder(PATIENCE).connect_within(CONNECT).build()?;
        match client.missing_roots().filter(|_| base.starts_with("https:")) {
            Some(error) => Err(error.clone().into()),
            None => Ok(Self { client, bearer, base }),
        }
    }

    async fn get_with(&self, path: &str, query: impl IntoIterator<Item = (&'static str, String)>) -> CliResult<Answer> {
        let url = Url::parse_with_params(&format!("{}/api-key/{path}", self.base), query)?;
        self.ask(Request::get(url.as_str()).body(Bytes::new())?).await
    }

    async fn post(&self, path: &str, body: &Value) -> CliResult<Answer> {
        let request = Request::builder().method(Method::POST).uri(format!("{}/api-key/{path}", self.base));
        self.ask(request.header(CONTENT_TYPE, "application/json").body(body.to_string().into())?).await
    }

    async fn ask(&self, mut request: Request<Bytes>) -> CliResult<Answer> {
        request.headers_mut().insert(AUTHORIZATION, self.bearer.clone());
        progress::while_waiting("waiting for the server", self.answer(request)).await
    }

    async fn answer(&self, request: Request<Bytes>) -> CliResult<Answer> {
        let base = self.base.clone();
        let response = match self.client.exchange(request, ANSWER_BYTES).await {
            Ok(response) => response,
            Err(source) => return Err(RemoteError::Unreachable { base, source }.into()),
        };
        let status = response.status();
        let text = String::from_utf8_lossy(response.body());
        let error = match (status, serde_json::from_str::<ErrorBody>(&text)) {
            (StatusCode::OK, _) => match RawValue::from_string(text.into_owned()) {
                Ok(answer) => return Ok(answer),
                Err(_) => RemoteError::Stranger { base, status },
            },
            (StatusCode::UNAUTHORIZED, Ok(_)) => RemoteError::ServerKey { base },
            (StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::CONFLICT, Ok(error)) => {
                return Err(Refused::with_code(error.code, error.message).into());
            }
            (StatusCode::NOT_FOUND, Ok(error)) if error.code != NO_ROUTE => {
                return Err(Refused::with_code(error.code, error.message).into());
            }
            (StatusCode::NOT_FOUND, _) | (_, Err(_)) => RemoteError::Stranger { base, status },
            (_, Ok(error)) => RemoteError::Failed { base, status, message: error.message },
        };
        Err(error.into())
    }
}

/// The code of an unknown path.
const NO_ROUTE: &str = "NOT_FOUND";

#[async_trait(?Send)]
impl KeyBackend for Remote {
    async fn create(&self, request: CreateKey) -> CliResult<Answer> {
        self.post("create", &requests::create(request)).await
    }

    async fn list(&self, request: ListKeys) -> CliResult<Answer> {
        self.get_with("list", requests::list(request)).await
    }

    async fn get(&self, id: &KeyId) -> CliResult<Answer> {
        self.get_with("get", requests::get(id)).await
    }

    async fn verify(&self, request: VerifyKey) -> CliResult<Answer> {
        self.post("verify", &requests::verify(request, false)).await
    }

    async fn dry_run(&self, request: VerifyKey) -> CliResult<Answer> {
        self.post("verify", &requests::verify(request, true)).await
    }

    async fn update(&self, request: UpdateKey) -> CliResult<Answer> {
        self.post("update", &requests::update(request)).await
    }

    async fn rotate(&self, request: RotateKey) -> CliResult<Answer> {
        self.post("rotate", &requests::rotate(request)).await
    }

    async fn end_rotation(&self, id: &KeyId, change: ChangeRotation) -> CliResult<Answer> {
        let path = match change {
            ChangeRotation::Cancel => "rotation/cancel",
            ChangeRotation::Finish => "rotation/finish",
        };
        self.post(path, &requests::end_rotation(id)).await
    }

    async fn revoke(&self, id: &KeyId) -> CliResult<Answer> {
        self.post("revoke", &requests::revoke(id)).await
    }

    async fn delete(&self, id: &KeyId) -> CliResult<Answer> {
        self.post("delete", &requests::delete(id)).await
    }

    async fn restore(&self, id: &KeyId) -> CliResult<Answer> {
        self.post("restore", &requests::restore(id)).await
    }
}

/// Returns the URL of the endpoints, without a slash at its end.
fn endpoints(text: &str) -> Result<String, Misused> {
    let mut url = parse_base(text).ok_or_else(|| {
        let message = "the URL must be http or https, with a host and without user, query and fragment, as in \
                       https://keys.example.com";
        Misused(message.to_owned())
    })?;
    if url.path() == "/" {
        url.set_path(BASE_PATH);
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_means_the_usual_one() {
        for (text, base) in [
            ("https://keys.example.com", "https://keys.example.com/api/auth"),
            ("https://keys.example.com/", "https://keys.example.com/api/auth"),
            ("http://127.0.0.1:8787/v1/", "http://127.0.0.1:8787/v1"),
        ] {
            assert_eq!(endpoints(text).unwrap(), base);
        }
        for text in ["", "keys.example.com", "ftp://a.example", "http://u:p@a.example", "http://a.example?b=c"] {
            assert!(endpoints(text).is_err(), "{text}");
        }
    }
}
