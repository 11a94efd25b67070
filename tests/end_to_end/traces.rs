//! Traces, as a collector receives them.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::future::join_all;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::Client;
use serde_json::json;

use crate::process::{Place, SERVER_KEY};

/// A collector that keeps the traces that it receives.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<web::Bytes>>>);

impl Collector {
    /// Listens, and returns its URL.
    fn start() -> (Self, String) {
        let collector = Self::default();
        let keeping = collector.clone();
        let take = async |request: HttpRequest, body: web::Bytes, keeping: web::Data<Self>| {
            assert_eq!(request.headers().get("content-type").unwrap(), "application/x-protobuf");
            keeping.0.lock().unwrap().push(body);
            HttpResponse::Ok().finish()
        };
        let app =
            move || App::new().app_data(web::Data::new(keeping.clone())).route("/v1/traces", web::post().to(take));
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        (collector, endpoint)
    }

    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.0.lock().unwrap();
        bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.as_ref()).unwrap()).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let resources = self.requests().into_iter().flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    fn holds(&self, text: &str) -> bool {
        let found = |body: &web::Bytes| body.windows(text.len()).any(|window| window == text.as_bytes());
        self.0.lock().unwrap().iter().any(found)
    }
}

fn value<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key == name)?.value.as_ref()?.value.as_ref()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_in_its_callers_trace_and_its_batch_is_one_below_it() {
    let (collector, endpoint) = Collector::start();
    let server = Place::on("memory:").with("KEYMINT__TELEMETRY__OTLP_ENDPOINT", &endpoint).serve();
    let key = server.create(json!({ "userId": "ada" })).await;
    let text = key["key"].as_str().unwrap();
    let (trace, caller) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let verify = Client::new().post(server.url("verify")).bearer_auth(SERVER_KEY).json(&json!({ "key": text }));
    let verify = verify.header("traceparent", format!("00-{trace}-{caller}-01")).header("x-request-id", "mine");
    assert_eq!(verify.send().await.unwrap().status(), 200);
    server.terminate();
    let (success, _, stderr) = server.finish();
    assert!(success, "{stderr}");

    let spans = collector.spans();
    let named =
        |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:#?}"));
    let created = named("POST /api-key/create");
    assert!(created.parent_span_id.is_empty() && hex(&created.trace_id) != trace, "nobody called it");
    let request = named("POST /api-key/verify");
    assert_eq!((hex(&request.trace_id).as_str(), hex(&request.parent_span_id).as_str()), (trace, caller));
    assert_eq!(request.kind, 2, "a server's");
    for (name, expected) in [
        ("http.request.method", Value::StringValue("POST".into())),
        ("http.route", Value::StringValue("/api-key/verify".into())),
        ("http.response.status_code", Value::IntValue(200)),
        ("keymint.request_id", Value::StringValue("mine".into())),
    ] {
        assert_eq!(value(&request.attributes, name), Some(&expected), "{request:#?}");
    }
    let batch = named("batch");
    assert_eq!((&batch.trace_id, &batch.parent_span_id), (&request.trace_id, &request.span_id));
    assert_eq!(value(&batch.attributes, "keymint.attempts"), Some(&Value::IntValue(1)));
    let requests = collector.requests();
    let resource = requests[0].resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(value(&resource.attributes, "service.name"), Some(&Value::StringValue("keymint".into())));
    assert!(collector.holds("/api-key/verify") && !collector.holds(&text[text.len() - 20..]), "and never the key");
    assert!(!collector.holds(SERVER_KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_linked_with_all_whose_keys_it_verifies() {
    let (collector, endpoint) = Collector::start();
    // The variable that other programs on the machine use.
    let place = Place::new().with("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    let server = place.serve();
    let key = server.create(json!({ "userId": "ada", "rateLimitEnabled": false })).await;
    join_all((0..40).map(|_| server.is_valid(&key))).await;
    server.terminate();
    let (success, _, stderr) = server.finish();
    assert!(success, "{stderr}");
    let spans = collector.spans();
    let ids: Vec<_> =
        spans.iter().filter(|span| span.name == "POST /api-key/verify").map(|span| span.span_id.clone()).collect();
    assert_eq!(ids.len(), 40);
    let batches = spans.iter().filter(|span| span.name == "batch");
    let mut joined: Vec<_> = batches
        .flat_map(|batch| {
            let links = batch.links.iter().map(|link| link.span_id.clone());
            links.chain([batch.parent_span_id.clone()]).collect::<Vec<_>>()
        })
        .collect();
    joined.sort();
    let mut ids = ids;
    ids.sort();
    assert_eq!(joined, ids, "each is in one batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_costs_no_answer_and_no_stop() {
    let server = Place::on("memory:").with("KEYMINT__TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:1").serve();
    let key = server.create(json!({ "userId": "ada" })).await;
    assert!(server.is_valid(&key).await);
    server.terminate();
    let (success, _, stderr) = server.finish();
    assert!(success, "{stderr}");
    assert!(stderr.contains("traces could not be sent") && stderr.contains("stopped"), "{stderr}");
}
