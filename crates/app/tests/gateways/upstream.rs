//! An application behind a gateway, which returns the request.

use std::net::{SocketAddr, TcpListener};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Map, Value, json};

/// Starts it, and returns its address. It ends with the test's runtime.
pub(crate) fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(|| App::new().default_service(web::to(echo)));
    tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
    address
}

/// Returns the method, the path and every header; of two headers with the same name, both.
async fn echo(request: HttpRequest) -> HttpResponse {
    let mut headers = Map::new();
    for (name, value) in request.headers() {
        let values = headers.entry(name.as_str()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(String::from_utf8_lossy(value.as_bytes()).into());
        }
    }
    let path = request.uri().to_string();
    HttpResponse::Ok().json(json!({ "method": request.method().as_str(), "path": path, "headers": headers }))
}
