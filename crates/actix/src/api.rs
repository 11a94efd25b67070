use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::web::Bytes;
use ipnet::IpNet;
use keymint_ports::Entropy as _;
use keymint_service::{Keys, OsEntropy, ServerKeys};

use crate::Exposition;
use crate::authorize::Assertions;
use crate::openapi::{self, Served};
use crate::origin::TrustedOrigins;
use crate::process::Process;
use crate::request::{Answered, Tracing, Watch};
use crate::session::Sessions;

/// What every route works with.
#[derive(Debug)]
pub struct Api {
    /// The use cases.
    pub keys: Arc<Keys>,
    /// Who may act as a server.
    pub server_keys: Arc<ServerKeys>,
    /// Users' sessions; `None` = nobody signs in, and the endpoints for it are not found.
    pub sessions: Option<Sessions>,
    /// Signs whose a request is, for those behind gateways; `None` = nothing is signed.
    pub assertions: Option<Assertions>,
    /// What is counted, and who may read it; `None` = `/metrics` is not found.
    pub metrics: Option<Exposition>,
    /// Limits and paths.
    pub options: ApiOptions,
    pub(crate) watch: Watch,
    pub(crate) tracing: Option<Tracing>,
    pub(crate) process: Arc<Process>,
    /// The OpenAPI document, once somebody has asked for it.
    document: OnceLock<Bytes>,
}

/// Limits and paths of the API.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Where Better Auth's endpoints stand; begins with `/` and does not end with one, or is empty.
    pub base_path: String,
    /// Whose pages may send requests with cookies, the server's own among them.
    pub trusted_origins: TrustedOrigins,
    /// Networks whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// True if `Authorization: Bearer` may hold the key of a gateway's client and the gateway does not say.
    pub authorize_bearer: bool,
    /// Bytes of a body at most.
    pub body_limit: usize,
    /// Time that a client has to send a body.
    pub body_timeout: Duration,
    /// Time that a request may take in all.
    pub request_timeout: Duration,
    /// Whether every request is logged by one more line, of the target `access`, for those who read no others.
    pub access_log: bool,
}

impl Default for ApiOptions {
    /// `/api/auth`, no origins and no proxies, keys as bearer tokens too, 256 KiB, 5 s, 10 s, no access log.
    fn default() -> Self {
        Self {
            base_path: "/api/auth".to_owned(),
            trusted_origins: TrustedOrigins::default(),
            trusted_proxies: Vec::new(),
            authorize_bearer: true,
            body_limit: 256 * 1024,
            body_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            access_log: false,
        }
    }
}

impl Api {
    /// Puts the API together within the default options, without sessions and assertions. Random bytes tell its request
    /// ids from those of other processes.
    pub fn new(keys: Arc<Keys>, server_keys: Arc<ServerKeys>) -> Self {
        let mut instance = [0; 8];
        OsEntropy.fill(&mut instance);
        Self {
            keys,
            server_keys,
            sessions: None,
            assertions: None,
            metrics: None,
            options: ApiOptions::default(),
            watch: Watch::default(),
            tracing: None,
            process: Arc::new(Process::new(instance)),
            document: OnceLock::new(),
        }
    }

    /// Stands within `options`.
    #[must_use]
    pub fn with_options(self, options: ApiOptions) -> Self {
        Self { options, ..self }
    }

    /// Begins its request ids with these bytes, which no other process should have.
    #[must_use]
    pub fn with_instance(self, instance: [u8; 8]) -> Self {
        Self { process: Arc::new(Process::new(instance)), ..self }
    }

    /// The API of the same process over `keys` and within `options`, without sessions and assertions: what [`LiveApi`](crate::LiveApi)
    /// takes in this one's place. `options.base_path` must be the same, since the routes stand where they were mounted.
    #[must_use]
    pub fn reconfigured(&self, keys: Arc<Keys>, options: ApiOptions) -> Self {
        Self {
            keys,
            server_keys: Arc::clone(&self.server_keys),
            sessions: None,
            assertions: None,
            metrics: self.metrics.clone(),
            options,
            watch: self.watch.clone(),
            tracing: self.tracing,
            process: Arc::clone(&self.process),
            document: OnceLock::new(),
        }
    }

    /// Knows users by their sessions, and signs them up and in.
    #[must_use]
    pub fn with_sessions(self, sessions: Sessions) -> Self {
        Self { sessions: Some(sessions), ..self }
    }

    /// Tells gateways whose a request is in a signed form too.
    #[must_use]
    pub fn with_assertions(self, assertions: Assertions) -> Self {
        Self { assertions: Some(assertions), ..self }
    }

    /// Shows `metrics` at `/metrics`.
    #[must_use]
    pub fn with_metrics(self, metrics: Exposition) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// Tells `listener` of every request that was answered, on the thread that answers.
    #[must_use]
    pub fn watched_by(self, listener: impl Fn(&Answered<'_>) + Send + Sync + 'static) -> Self {
        Self { watch: Watch::by(listener), ..self }
    }

    /// Makes a span of every request.
    #[must_use]
    pub fn traced_by(self, tracing: Tracing) -> Self {
        Self { tracing: Some(tracing), ..self }
    }

    /// The OpenAPI document of this server.
    pub(crate) fn document(&self) -> Bytes {
        self.document.get_or_init(|| openapi::document(&Served::by(self)).to_string().into()).clone()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderMap;
    use keymint_store_memory::MemoryStore;

    use super::*;

    #[actix_web::test]
    async fn every_process_has_request_ids_of_its_own() {
        let store = Arc::new(MemoryStore::default());
        let keys = Arc::new(Keys::builder(Arc::clone(&store) as _).build());
        let server_keys = Arc::new(ServerKeys::new(store));
        let [one, other] = [(); 2].map(|()| {
            let api = Api::new(Arc::clone(&keys), Arc::clone(&server_keys));
            api.process.request_ids.of(&HeaderMap::new())
        });
        assert_ne!(one, other);
    }
}
