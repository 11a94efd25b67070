use std::net::SocketAddr;

use ipnet::IpNet;

use super::server::{parse_listen, parse_network};
use crate::config::section::Section;

/// Who may read what is counted, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Whether anything is counted.
    pub enabled: bool,
    /// An address for the metrics alone, whose readers are not asked who they are; `None` = beside the API.
    pub listen: Option<SocketAddr>,
    /// Networks that may read the metrics beside the API without a server key.
    pub allow: Vec<IpNet>,
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Metrics {
    Metrics {
        enabled: section.boolean("enabled", true),
        listen: section.optional_text("listen", "IP address and port", parse_listen),
        allow: section.texts("allow", "list of CIDRs", Vec::new(), parse_network),
    }
}
