use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, RequestBuilder, Response};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Failure;
use crate::keys::{Endpoint, Sort};

/// The server key of the benchmark's requests. The servers live for minutes and listen on loopback.
pub(crate) const SERVER_KEY: &str = "the-benchmarks-server-key-is-no-secret";

/// The largest count on the wire. No round comes near it.
pub(crate) const PLENTY: u64 = 2_147_483_647;

/// Better Auth's wire, as far as the benchmark uses it.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: Client,
    origin: String,
    base: String,
}

/// An answer, as received.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    pub(crate) api_keys: Vec<IgnoredAny>,
    pub(crate) total: usize,
}

impl Answer {
    async fn of(response: Response) -> Result<Self, Failure> {
        let texts = response.headers().iter().map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
        let headers = texts.collect::<Result<_, Failure>>()?;
        Ok(Self { headers, body: response.text().await? })
    }
}

impl Api {
    /// Returns the endpoints at `url`, which has no path.
    pub(crate) fn at(url: &str) -> Self {
        Self { client: Client::new(), origin: url.to_owned(), base: format!("{url}/api/auth/api-key") }
    }

    pub(crate) fn url(&self, endpoint: Endpoint) -> String {
        match endpoint {
            Endpoint::Verify => format!("{}/verify", self.base),
            Endpoint::Authorize => format!("{}/authorize", self.origin),
        }
    }

    /// Creates keys, and returns their texts.
    pub(crate) async fn create_keys(&self, sort: Sort, count: usize) -> Result<Vec<String>, Failure> {
        const AT_ONCE: usize = 32;
        stream::iter(0..count).map(|number| self.create_key(sort, number)).buffered(AT_ONCE).try_collect().await
    }

    async fn create_key(&self, sort: Sort, number: usize) -> Result<String, Failure> {
        let new = json!({
            "userId": format!("owner-{number}"),
            "name": format!("key {number}"),
            "prefix": "sk_",
            "remaining": sort.has_quota().then_some(PLENTY),
            "rateLimitEnabled": sort.has_rate_limit(),
            "rateLimitTimeWindow": 86_400_000,
            "rateLimitMax": PLENTY,
        });
        let created: Value = self.post("create", &new).await?.json().await?;
        Ok(created["key"].as_str().ok_or("a key without a text")?.to_owned())
    }

    /// Verifies a key, and pays for it.
    pub(crate) async fn verify(&self, key: &str) -> Result<Answer, Failure> {
        Answer::of(self.post("verify", &json!({ "key": key })).await?).await
    }

    /// Requests, as a gateway, permission for a request with a key, and pays for it.
    pub(crate) async fn authorize(&self, key: &str) -> Result<Answer, Failure> {
        let request = self.client.get(self.url(Endpoint::Authorize));
        Answer::of(send(request.header("x-authz-server-key", SERVER_KEY).header("x-api-key", key)).await?).await
    }

    /// Returns true if a key is valid. The call is paid for: not every subject supports a look without payment.
    pub(crate) async fn is_valid(&self, key: &str) -> Result<bool, Failure> {
        let answer: Value = serde_json::from_str(&self.verify(key).await?.body)?;
        Ok(answer["valid"] == true)
    }

    /// Returns the [`Page`] of a query, as JSON.
    pub(crate) async fn list(&self, query: &str) -> Result<String, Failure> {
        let url = format!("{}/list?{query}", self.base);
        Ok(send(self.client.get(url).bearer_auth(SERVER_KEY)).await?.text().await?)
    }

    /// Returns the URL of a path under the base path.
    pub(crate) fn under_base(&self, path: &str) -> String {
        format!("{}/api/auth{path}", self.origin)
    }

    /// Signs a new user up, and returns the cookie of their session.
    pub(crate) async fn sign_up(&self) -> Result<String, Failure> {
        // Each measured server has another port.
        let email = format!("user-{}@example.com", self.origin.rsplit(':').next().unwrap_or_default());
        let new = json!({ "email": email, "password": "password1234", "name": "somebody" });
        let response = send(self.client.post(self.under_base("/sign-up/email")).json(&new)).await?;
        let cookie = response.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).ok_or("sign-up sets no cookie")?;
        Ok(cookie.to_owned())
    }

    /// Returns the server's metrics in Prometheus' text format; `None` = it has none.
    pub(crate) async fn metrics(&self) -> Result<Option<String>, Failure> {
        let response = self.client.get(format!("{}/metrics", self.origin)).bearer_auth(SERVER_KEY).send().await?;
        Ok(if response.status().is_success() { Some(response.text().await?) } else { None })
    }

    async fn post(&self, endpoint: &str, body: &Value) -> Result<Response, Failure> {
        send(self.client.post(format!("{}/{endpoint}", self.base)).bearer_auth(SERVER_KEY).json(body)).await
    }
}

async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    let response = request.send().await?;
    match response.status().as_u16() {
        200 => Ok(response),
        status => {
            Err(format!("{} answers {status}: {}", response.url().path().to_owned(), response.text().await?).into())
        }
    }
}
