//! Traces, sent to a collector by OTLP over HTTP.

use std::collections::HashMap;

use keymint_actix::Tracing;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::registry::LookupSpan;

use crate::config;

/// The target of all spans. No log line has it.
pub(crate) const SPANS: &str = "keymint::span";

/// The collector of spans, which sends them in the background.
#[derive(Debug)]
pub(crate) struct Telemetry(SdkTracerProvider);

impl Telemetry {
    /// Starts to collect spans; `None` = no collector is configured. A collector that does not answer is logged, and
    /// slows nothing down.
    ///
    /// # Errors
    ///
    /// Returns an error if the exporter cannot be made.
    pub(crate) fn start(config: &config::Telemetry) -> Result<Option<Self>, opentelemetry_otlp::ExporterBuildError> {
        if config.otlp_endpoint.is_empty() {
            return Ok(None);
        }
        let endpoint = format!("{}/v1/traces", config.otlp_endpoint);
        let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
        let resource = Resource::builder().with_service_name("keymint").build();
        Ok(Some(Self(
            SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(Telling(exporter)).build(),
        )))
    }

    /// Returns the layer that passes spans on from `tracing`.
    pub(crate) fn layer<S: tracing::Subscriber + for<'a> LookupSpan<'a>>(
        &self,
    ) -> impl tracing_subscriber::Layer<S> + use<S> {
        let spans = tracing_opentelemetry::layer().with_tracer(self.0.tracer("keymint"));
        // The place in the code and the thread of a span do not help operators.
        let spans = spans.with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false);
        spans.with_filter(Targets::new().with_target(SPANS, LevelFilter::INFO))
    }

    /// Sends the remaining spans. It blocks.
    pub(crate) fn stop(&self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last traces could not be sent");
        }
    }
}

/// An exporter that logs its failures, which the SDK does not.
#[derive(Debug)]
struct Telling(SpanExporter);

impl opentelemetry_sdk::trace::SpanExporter for Telling {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.0.export(batch).await;
        sent.inspect_err(|error| {
            tracing::warn!(spans, error = error as &dyn std::error::Error, "traces could not be sent, and are lost");
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// The handling of requests' spans.
pub(crate) const TRACING: Tracing = Tracing { adopt, name };

fn adopt(span: &Span, traceparent: &str, tracestate: Option<&str>) {
    let headers = [("traceparent", Some(traceparent)), ("tracestate", tracestate)];
    let headers = headers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let caller = TraceContextPropagator::new().extract(&headers.collect::<HashMap<_, _>>());
    // It fails if the span is not collected.
    let _ = span.set_parent(caller);
}

fn name(span: &Span, name: String) {
    span.context().span().update_name(name);
}
