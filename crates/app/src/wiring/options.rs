//! The options of services, as the configuration has them.

use std::num::NonZeroUsize;
use std::time::Duration;

use keymint_actix::openapi::DocumentContext;
use keymint_actix::origin::TrustedOrigin;
use keymint_actix::tls::Tls;
use keymint_actix::{ApiOptions, AssertionOptions, ServeOptions};
use keymint_service::{Access, CleanupOptions, IdentityOptions, UsageOptions};

use crate::config::{Assertion, Config};

/// Returns the pause between two runs of the job that makes notices; `None` = it is switched off, or nothing is recorded.
pub(super) fn notices_every(config: &Config) -> Option<Duration> {
    config.notices.interval.filter(|_| config.audit.enabled)
}

pub(super) fn api_options(config: &Config) -> ApiOptions {
    let server = &config.server;
    let own = TrustedOrigin::parse(&server.base_url).ok();
    ApiOptions {
        base_url: server.base_url.clone(),
        base_path: server.base_path.clone(),
        trusted_origins: own.into_iter().chain(server.trusted_origins.iter().cloned()).collect(),
        trusted_proxies: server.trusted_proxies.clone(),
        authorize_bearer: config.authorize.bearer,
        limit_fields: config.server.rate_limit_headers,
        body_limit: server.body_limit_bytes,
        // Shorter than the whole, so that a slow client learns that it was slow.
        body_timeout: server.request_timeout / 2,
        request_timeout: server.request_timeout,
        access_log: config.log.access,
    }
}

/// Returns the options of assertions; `None` = nothing is signed.
pub(super) fn assertion_options(config: &Config) -> Option<AssertionOptions> {
    let Assertion { audience, lifetime, has_metadata } = config.authorize.assertion.clone()?;
    Some(AssertionOptions { issuer: config.server.base_url.clone(), audience, lifetime, has_metadata })
}

/// Returns the options of [`Identity`]. Half of the cores may hash passwords; the others serve.
pub(super) fn identity_options(config: &Config) -> IdentityOptions {
    IdentityOptions {
        email_and_password: config.identity.email_and_password,
        sign_up: config.identity.sign_up,
        lifetime: config.identity.lifetime,
        hashes_at_once: hashes_at_once(),
    }
}

/// Returns the number of slow hashes that may be computed at the same time: on half of the cores.
pub(super) fn hashes_at_once() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN)
}

/// Returns the options of the server. `tls` is its certificate in handshakes.
pub fn serve_options(config: &Config, tls: Option<Tls>) -> ServeOptions {
    let server = &config.server;
    ServeOptions {
        workers: server.workers.map(NonZeroUsize::get),
        max_connections: server.max_connections,
        keep_alive: server.keep_alive,
        head_timeout: server.request_timeout,
        write_timeout: server.request_timeout,
        shutdown_timeout: server.shutdown,
        pages: None,
        tls,
    }
}

/// Returns the properties of the server that its OpenAPI document depends on.
pub fn document_context(config: &Config) -> DocumentContext<'_> {
    let verify_is_public = config.verify.access == Access::Public;
    let has_metrics = config.metrics.enabled && config.metrics.listen.is_none();
    DocumentContext {
        base_path: &config.server.base_path,
        policy: &config.policy,
        verify_is_public,
        has_metrics,
        limit_fields: config.server.rate_limit_headers,
    }
}

/// Returns the options of the statistics of uses. Usage is kept at least as long as its hours.
///
/// If the database cannot keep it, nothing is counted: the start has said why, and each flush would fail.
pub(super) fn usage_options(config: &Config, is_kept: bool) -> UsageOptions {
    let crate::config::Usage { enabled, longest_interval, hours_days, retention_days } = config.usage;
    let retention_days = retention_days.max(hours_days);
    let interval = UsageOptions::default().interval;
    UsageOptions { enabled: enabled && is_kept, interval, longest_interval, hours_days, retention_days }
}

/// Returns the options of clean-up; `None` = dead keys are not removed.
pub fn cleanup_options(config: &Config) -> Option<CleanupOptions> {
    let cleanup = &config.cleanup;
    cleanup.interval.map(|interval| CleanupOptions {
        interval,
        batch_size: cleanup.batch_size,
        steady_clock: cleanup.steady_clock,
        count: config.metrics.enabled,
    })
}
