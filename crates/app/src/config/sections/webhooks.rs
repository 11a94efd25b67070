use keymint_domain::address::{Network, Networks};
use keymint_domain::webhook::OutboundRules;
use keymint_service::WebhookOptions;

use crate::config::section::Section;
use crate::units::Unit;

/// The delivery of events to endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhooks {
    /// True if this server delivers, and lets servers manage endpoints.
    pub enabled: bool,
    /// Its limits.
    pub options: WebhookOptions,
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Webhooks {
    let default = WebhookOptions::default();
    let enabled = section.boolean("enabled", true);
    let networks = "list of 100 addresses or CIDRs at most";
    let networks = section.texts("allow_networks", networks, Vec::new(), Network::parse);
    let allow_http = section.boolean("allow_http", false);
    let networks = Networks::new(networks).unwrap_or_else(|error| {
        section.problem(section.location("allow_networks"), error.to_string());
        Networks::default()
    });
    if allow_http && networks.is_empty() {
        section.problem(section.location("allow_http"), "needs allow_networks: http is for those networks alone");
    }
    let max_endpoints = section.integer("max_endpoints", default.max_endpoints, 1..=10_000);
    let max_in_flight = section.integer("max_in_flight", default.max_in_flight as u64, 1..=10_000);
    let max_per_endpoint = section.integer("max_per_endpoint", default.max_per_endpoint as u64, 1..=64);
    let lease = section.milliseconds("lease_ms", default.lease, 1000..=60_000);
    let retention = section.duration("retention_days", default.retention.as_secs() / 86_400, Unit::Days, 1..=3650);
    let options = WebhookOptions {
        rules: OutboundRules::new(networks, allow_http),
        max_endpoints,
        max_in_flight: usize::try_from(max_in_flight).unwrap_or(usize::MAX),
        max_per_endpoint: usize::try_from(max_per_endpoint).unwrap_or(usize::MAX),
        lease,
        retention: std::time::Duration::from_secs(retention * 86_400),
        ..default
    };
    Webhooks { enabled, options }
}
