use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keymint_actix::endpoints::requests;
use keymint_domain::KeyId;
use keymint_domain::server_key::ServerKeyText;
use keymint_service::{ChangeRotation, CreateKey, ListKeys, RotateKey, UpdateKey, VerifyKey};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
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

/// The keys of a server elsewhere, by its HTTP API.
///
/// Redirects and the environment's proxies are not followed, because the requests carry keys.
pub(in crate::cli) struct Remote {
    client: Client,
    base: String,
}

/// The failure to ask a server, or to understand its answer.
#[derive(Debug, thiserror::Error)]
enum RemoteError {
    #[error("{base} cannot be asked")]
    Unreachable {
        base: String,
        #[source]
        source: reqwest::Error,
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
        let base = parse_base(url)?;
        let key = ServerKeyText::parse(server_key).map_err(|error| Misused(format!("the server key {error}")))?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose()))?;
        bearer.set_sensitive(true);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = || ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let tls = match tls()?.with_platform_verifier() {
            Ok(tls) => tls,
            Err(error) if base.starts_with("https:") => return Err(error.into()),
            Err(_) => tls()?.with_root_certificates(RootCertStore::empty()),
        };
        let client = Client::builder()
            .tls_backend_preconfigured(tls.with_no_client_auth())
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("keymint/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { client, base })
    }

    async fn get_with(&self, path: &str, query: impl IntoIterator<Item = (&'static str, String)>) -> CliResult<Answer> {
        let url = Url::parse_with_params(&format!("{}/api-key/{path}", self.base), query)?;
        self.ask(self.client.get(url)).await
    }

    async fn post(&self, path: &str, body: &Value) -> CliResult<Answer> {
        self.ask(self.client.post(format!("{}/api-key/{path}", self.base)).json(body)).await
    }

    async fn ask(&self, request: RequestBuilder) -> CliResult<Answer> {
        progress::while_waiting("waiting for the server", self.answer(request)).await
    }

    async fn answer(&self, request: RequestBuilder) -> CliResult<Answer> {
        let base = self.base.clone();
        let unreachable =
            |error: reqwest::Error| RemoteError::Unreachable { base: self.base.clone(), source: error.without_url() };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let text = response.text().await.map_err(unreachable)?;
        let error = match (status, serde_json::from_str::<ErrorBody>(&text)) {
            (StatusCode::OK, _) => match RawValue::from_string(text) {
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
fn parse_base(text: &str) -> Result<String, Misused> {
    let wrong = || {
        let message = "the URL must be http or https, with a host and without user, query and fragment, as in \
                       https://keys.example.com";
        Misused(message.to_owned())
    };
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_base = url.query().is_none() && url.fragment().is_none() && url.has_host();
    if !is_plain || !is_base || !matches!(url.scheme(), "http" | "https") {
        return Err(wrong());
    }
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
            assert_eq!(parse_base(text).unwrap(), base);
        }
        for text in ["", "keys.example.com", "ftp://a.example", "http://u:p@a.example", "http://a.example?b=c"] {
            assert!(parse_base(text).is_err(), "{text}");
        }
    }
}
