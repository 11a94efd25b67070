use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpRequest};
use ipnet::IpNet;
use keymint_guard::LimitFields;
use keymint_ports::Entropy as _;
use keymint_service::{Audit, GithubReports, HolderReports, Keys, OsEntropy, Portal, ServerKeys, Webhooks};

use crate::assertions::Assertions;
use crate::callers::session::Sessions;
use crate::observe::{CompletedRequest, MetricsEndpoint, Observers, RequestObserver, Tracing};
use crate::origin::TrustedOrigins;
use crate::process::Process;

/// The services and the options that every endpoint works with.
#[derive(Debug)]
pub struct Api {
    /// The use cases of API keys.
    pub keys: Arc<Keys>,
    /// The keys of servers.
    pub server_keys: Arc<ServerKeys>,
    /// Users' sessions; `None` = nobody signs in, and the endpoints of users are not found.
    pub sessions: Option<Sessions>,
    /// Signs whose a request is, for upstreams of gateways; `None` = nothing is signed.
    pub assertions: Option<Assertions>,
    /// Endpoints that are told of events; `None` = the endpoints of webhooks are not found.
    pub webhooks: Option<Webhooks>,
    /// The log of changes; `None` = `/audit` is not found.
    pub audit: Option<Arc<Audit>>,
    /// Opens the portal; `None` = `/portal/sessions` is not found.
    pub portal: Option<PortalLinks>,
    /// Takes reports of leaked keys from anybody; `None` = `/api-key/report-leak` is not found.
    pub holder_reports: Option<HolderReports>,
    /// Takes reports from GitHub; `None` = `/leaks/github` is not found.
    pub github_reports: Option<GithubReports>,
    /// The metrics; `None` = `/metrics` is not found.
    pub metrics: Option<MetricsEndpoint>,
    /// Limits and paths.
    pub options: ApiOptions,
    pub(crate) observer: RequestObserver,
    pub(crate) tracing: Option<Tracing>,
    pub(crate) process: Arc<Process>,
    /// The OpenAPI document; empty until the first request for it.
    pub(crate) document: OnceLock<Bytes>,
}

/// The portal, and the server whose pages show it.
#[derive(Debug, Clone)]
pub struct PortalLinks {
    /// The use cases of portal sessions.
    pub portal: Arc<Portal>,
    /// The scheme, host and port of the server, by which links begin.
    pub base_url: String,
}

/// Limits and paths of the API.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// The scheme, host and port by which others know the server.
    pub base_url: String,
    /// The path of Better Auth's endpoints; begins with `/` and does not end with one, or is empty.
    pub base_path: String,
    /// Origins whose pages may send requests with cookies, the server's own among them.
    pub trusted_origins: TrustedOrigins,
    /// Networks whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// True if `Authorization: Bearer` may hold the key of a gateway's client, unless the gateway decides otherwise.
    pub authorize_bearer: bool,
    /// The fields that tell how a key stands against its limits.
    pub limit_fields: LimitFields,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// The time that a client has to send a body.
    pub body_timeout: Duration,
    /// The time that a request may take in all.
    pub request_timeout: Duration,
    /// True if every request is also logged to the target `access`.
    pub access_log: bool,
}

impl Default for ApiOptions {
    /// `http://127.0.0.1:8787`, `/api/auth`, no origins and no proxies, keys as bearer tokens too, the fields of draft 11,
    /// 256 KiB, 5 s, 10 s, no access log.
    fn default() -> Self {
        Self {
            base_url: "http://127.0.0.1:8787".to_owned(),
            base_path: "/api/auth".to_owned(),
            trusted_origins: TrustedOrigins::default(),
            trusted_proxies: Vec::new(),
            authorize_bearer: true,
            limit_fields: LimitFields::default(),
            body_limit: 256 * 1024,
            body_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            access_log: false,
        }
    }
}

impl Api {
    /// Builds an API within the default options, without sessions and assertions. Random bytes distinguish its request ids
    /// from those of other processes.
    pub fn new(keys: Arc<Keys>, server_keys: Arc<ServerKeys>) -> Self {
        let mut instance = [0; 8];
        OsEntropy.fill(&mut instance);
        Self {
            keys,
            server_keys,
            sessions: None,
            assertions: None,
            webhooks: None,
            audit: None,
            portal: None,
            holder_reports: None,
            github_reports: None,
            metrics: None,
            options: ApiOptions::default(),
            observer: RequestObserver::default(),
            tracing: None,
            process: Arc::new(Process::new(instance)),
            document: OnceLock::new(),
        }
    }

    /// Sets the limits and paths.
    #[must_use]
    pub fn with_options(self, options: ApiOptions) -> Self {
        Self { options, ..self }
    }

    /// Begins request ids with these bytes, which no other process should have.
    #[must_use]
    pub fn with_instance(self, instance: [u8; 8]) -> Self {
        Self { process: Arc::new(Process::new(instance)), ..self }
    }

    /// Builds an API of the same process over `keys` and within `options`, without sessions, assertions and the portal, to replace
    /// this
    /// one in a [`LiveApi`](crate::LiveApi). `options.base_path` must be the same: endpoints stay where they were mounted.
    #[must_use]
    pub fn reconfigured(&self, keys: Arc<Keys>, options: ApiOptions) -> Self {
        Self {
            keys,
            server_keys: Arc::clone(&self.server_keys),
            sessions: None,
            assertions: None,
            webhooks: self.webhooks.clone(),
            audit: self.audit.clone(),
            portal: None,
            holder_reports: self.holder_reports.clone(),
            github_reports: self.github_reports.clone(),
            metrics: self.metrics.clone(),
            options,
            observer: self.observer.clone(),
            tracing: self.tracing,
            process: Arc::clone(&self.process),
            document: OnceLock::new(),
        }
    }

    /// Recognizes users by their sessions, and signs them up and in.
    #[must_use]
    pub fn with_sessions(self, sessions: Sessions) -> Self {
        Self { sessions: Some(sessions), ..self }
    }

    /// Also tells gateways in a signed form whose a request is.
    #[must_use]
    pub fn with_assertions(self, assertions: Assertions) -> Self {
        Self { assertions: Some(assertions), ..self }
    }

    /// Shows the log of changes at `/audit`.
    #[must_use]
    pub fn with_audit(self, audit: Arc<Audit>) -> Self {
        Self { audit: Some(audit), ..self }
    }

    /// Lets servers open portal sessions.
    #[must_use]
    pub fn with_portal(self, portal: PortalLinks) -> Self {
        Self { portal: Some(portal), ..self }
    }

    /// Lets anybody who holds a key report that it leaked.
    #[must_use]
    pub fn with_holder_reports(self, reports: HolderReports) -> Self {
        Self { holder_reports: Some(reports), ..self }
    }

    /// Takes reports from GitHub's secret scanning.
    #[must_use]
    pub fn with_github_reports(self, reports: GithubReports) -> Self {
        Self { github_reports: Some(reports), ..self }
    }

    /// Lets servers manage webhooks.
    #[must_use]
    pub fn with_webhooks(self, webhooks: Webhooks) -> Self {
        Self { webhooks: Some(webhooks), ..self }
    }

    /// Serves `metrics` at `/metrics`.
    #[must_use]
    pub fn with_metrics(self, metrics: MetricsEndpoint) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// Calls `listener` with every request that was answered, on the thread that answers.
    #[must_use]
    pub fn on_response(self, listener: impl Fn(&CompletedRequest<'_>) + Send + Sync + 'static) -> Self {
        Self { observer: RequestObserver::new(listener), ..self }
    }

    /// Opens a span for every request.
    #[must_use]
    pub fn traced_by(self, tracing: Tracing) -> Self {
        Self { tracing: Some(tracing), ..self }
    }

    pub(crate) fn observers(&self) -> Observers<'_> {
        Observers {
            request_ids: &self.process.request_ids,
            policy: self.keys.policy(),
            observer: &self.observer,
            tracing: self.tracing,
            access_log: self.options.access_log.then_some(&*self.options.trusted_proxies),
        }
    }

    /// Attaches a note for the access log to a request, if there is such a log.
    pub(crate) fn note<N: 'static>(&self, request: &HttpRequest, note: impl FnOnce() -> N) {
        if self.options.access_log {
            request.extensions_mut().insert(note());
        }
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
            api.process.request_ids.of(&HeaderMap::new(), api.keys.policy())
        });
        assert_ne!(one, other);
    }
}
