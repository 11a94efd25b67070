//! Traces, sent to a collector by OTLP over HTTP.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use keymint_actix::Tracing;
use keymint_http_client::{Bytes, HttpClient, TrustError};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::HttpError;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use tokio::runtime::Handle;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::registry::LookupSpan;

use crate::config;

/// The target of all spans. No log line has it.
pub(crate) const SPANS: &str = "keymint::span";

/// The timeout of a batch, which is OpenTelemetry's default.
const DEADLINE: Duration = Duration::from_secs(10);

/// The largest answer of a collector that is read.
const ANSWER_BYTES: usize = 1 << 20;

/// The collector of spans, which sends them in the background.
#[derive(Debug)]
pub(crate) struct Telemetry(SdkTracerProvider);

/// The reason why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] TrustError),
    /// The SDK refuses its settings.
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
}

impl Telemetry {
    /// Starts to collect spans; `None` = no collector is configured. A collector that does not answer is logged, and
    /// slows nothing down. It is called within a runtime, which sends the spans.
    ///
    /// # Errors
    ///
    /// Returns an error if the exporter cannot be made.
    pub(crate) fn start(config: &config::Telemetry) -> Result<Option<Self>, TelemetryError> {
        if config.otlp_endpoint.is_empty() {
            return Ok(None);
        }
        let endpoint = format!("{}/v1/traces", config.otlp_endpoint);
        let sender = Sender { client: HttpClient::builder(DEADLINE).build()?, runtime: Handle::current() };
        let exporter = SpanExporter::builder().with_http().with_http_client(sender).with_endpoint(endpoint).build()?;
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

/// Sends by our own client. The SDK's would be made of what other crates switch on in the build, and panics if a part is
/// missing.
#[derive(Debug)]
struct Sender {
    client: HttpClient,
    /// The SDK asks on a thread of its own, without a runtime.
    runtime: Handle,
}

#[async_trait]
impl opentelemetry_http::HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        Ok(self.runtime.spawn(async move { client.exchange(request, ANSWER_BYTES).await }).await??)
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
