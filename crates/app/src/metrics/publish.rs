use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use ipnet::IpNet;
use keymint_actix::{Api, MetricsEndpoint, Render};

use super::{Metrics, Sources};

/// Counts the requests that `api` answers, and serves the metrics: on a listener of their own if there is one, else
/// beside the API, to `allow` and to holders of a server key.
///
/// A task of the current Tokio runtime serves the listener until the process ends.
pub(crate) fn publish(
    metrics: &Arc<Metrics>,
    sources: Sources,
    api: Api,
    allow: &[IpNet],
    listener: Option<TcpListener>,
) -> io::Result<Api> {
    let (counting, rendering) = (Arc::clone(metrics), Arc::clone(metrics));
    let api = api.on_response(move |answered| counting.answered(answered));
    let render: Arc<Render> = Arc::new(move || rendering.render(&sources));
    match listener {
        Some(listener) => {
            let server = keymint_actix::serve_metrics(listener, render)?;
            tokio::spawn(async move {
                if let Err(error) = server.await {
                    tracing::error!(error = &error as &dyn std::error::Error, "the metrics are served no more");
                }
            });
            Ok(api)
        }
        None => Ok(api.with_metrics(MetricsEndpoint { render, allow: allow.to_vec() })),
    }
}
