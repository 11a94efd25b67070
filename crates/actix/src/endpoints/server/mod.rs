//! Health, metrics and documents of the server itself.

mod docs;
mod health;
mod metrics;

use super::endpoint::{Area, Endpoint};
use crate::observe::MetricsEndpoint;

pub(super) fn area(has_metrics: bool) -> Area {
    let mut endpoints = vec![
        Endpoint::probe("/healthz", health::alive, health::describe_alive).frequent(),
        Endpoint::probe("/readyz", health::ready, health::describe_ready).frequent(),
        Endpoint::probe(docs::DOCUMENT, docs::document, docs::describe_document),
        Endpoint::probe(docs::PAGE, docs::page, docs::describe_page),
        Endpoint::probe(docs::PAGE, docs::file, docs::describe_file).below("file"),
    ];
    if has_metrics {
        endpoints.push(Endpoint::get(MetricsEndpoint::PATH, metrics::metrics, metrics::describe).frequent());
    }
    Area { name: "Server", about: "The server itself.", endpoints }
}
