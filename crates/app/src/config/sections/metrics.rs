use std::net::SocketAddr;

use ipnet::IpNet;

use super::server::{parse_listen, parse_network};
use crate::config::section::Section;

/// The metrics, and who may read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// True if anything is counted.
    pub enabled: bool,
    /// An address for the metrics alone, which is open to every client; `None` = beside the API.
    pub listen: Option<SocketAddr>,
    /// The networks that may read the metrics beside the API without a server key.
    pub allow: Vec<IpNet>,
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Metrics {
    Metrics {
        enabled: section.boolean("enabled", true),
        listen: section.optional_text("listen", "IP address and port", parse_listen),
        allow: section.texts("allow", "list of CIDRs", Vec::new(), parse_network),
    }
}
