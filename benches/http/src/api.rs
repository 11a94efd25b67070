use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Failure;

/// What the requests of the benchmark show; the servers live for minutes and listen on loopback.
pub(crate) const SERVER_KEY: &str = "the-benchmarks-server-key-is-no-secret";

/// The largest count on the wire: no round comes near it.
pub(crate) const PLENTY: u64 = 2_147_483_647;

/// Better Auth's wire, as far as the benchmark speaks it.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: Client,
    base: String,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

#[derive(Debug, Deserialize)]
struct Created {
    key: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    api_keys: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    remaining: Option<u64>,
}

impl Api {
    /// The endpoints at `url`, which has no path.
    pub(crate) fn at(url: &str) -> Self {
        Self { client: Client::new(), base: format!("{url}/api/auth/api-key") }
    }

    pub(crate) fn verify_url(&self) -> String {
        format!("{}/verify", self.base)
    }

    /// Makes keys that have a quota and a rate limit, neither of which ever refuses; or neither.
    pub(crate) async fn create_keys(&self, count: usize, limited: bool) -> Result<Vec<String>, Failure> {
        const AT_ONCE: usize = 32;
        stream::iter(0..count).map(|number| self.create_key(number, limited)).buffered(AT_ONCE).try_collect().await
    }

    async fn create_key(&self, number: usize, limited: bool) -> Result<String, Failure> {
        let new = json!({
            "userId": format!("owner-{number}"),
            "name": format!("key {number}"),
            "prefix": "sk_",
            "remaining": limited.then_some(PLENTY),
            "rateLimitEnabled": limited,
            "rateLimitTimeWindow": 86_400_000,
            "rateLimitMax": PLENTY,
        });
        let created: Created = serde_json::from_str(&self.post("create", &new).await?.text().await?)?;
        Ok(created.key)
    }

    /// Verifies a key, and pays for it.
    pub(crate) async fn verify(&self, key: &str) -> Result<Answer, Failure> {
        let response = self.post("verify", &json!({ "key": key })).await?;
        let texts = response.headers().iter().map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
        let headers = texts.collect::<Result<_, Failure>>()?;
        Ok(Answer { headers, body: response.text().await? })
    }

    /// Whether a key is valid. It is paid for: not every subject lets one look for nothing.
    pub(crate) async fn is_valid(&self, key: &str) -> Result<bool, Failure> {
        let answer: Value = serde_json::from_str(&self.verify(key).await?.body)?;
        Ok(answer["valid"] == true)
    }

    /// What all keys have spent of their quotas so far.
    pub(crate) async fn spent(&self) -> Result<u64, Failure> {
        const PAGE: usize = 1000;
        let mut spent = 0;
        for offset in (0..).step_by(PAGE) {
            let url = format!("{}/list?limit={PAGE}&offset={offset}&sortBy=id", self.base);
            let page: Page = serde_json::from_str(&send(self.client.get(url)).await?.text().await?)?;
            let remaining = page.api_keys.iter().filter_map(|key| key.remaining);
            spent += remaining.map(|remaining| PLENTY - remaining).sum::<u64>();
            if page.api_keys.len() < PAGE {
                break;
            }
        }
        Ok(spent)
    }

    async fn post(&self, endpoint: &str, body: &Value) -> Result<Response, Failure> {
        send(self.client.post(format!("{}/{endpoint}", self.base)).json(body)).await
    }
}

async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    let response = request.bearer_auth(SERVER_KEY).send().await?;
    match response.status().as_u16() {
        200 => Ok(response),
        status => {
            Err(format!("{} answers {status}: {}", response.url().path().to_owned(), response.text().await?).into())
        }
    }
}
