//! The bare endpoint: what HTTP and JSON cost where nothing is looked up, decided or kept.
//!
//! It parses the request's body, and answers with the header fields and the body of an answer that Keymint gave, so
//! that both sides read and write the same bytes.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::{env, fs};

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data, Json};
use actix_web::{App, HttpResponse, HttpServer, web};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::{Lab, keymint};
use crate::Failure;
use crate::api::{Answer, Api};
use crate::arguments::Bare;
use crate::keys::Sort;
use crate::server::Server;

/// An answer as it is handed to the endpoint's process.
#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    headers: BTreeMap<String, String>,
    body: String,
}

/// What a request holds; other members are dropped, as Keymint does.
#[derive(Debug, Deserialize)]
struct Request {
    #[serde(rename = "key")]
    _key: String,
}

/// Records an answer of Keymint's, and starts a process that gives it.
pub(crate) async fn start(lab: &Lab, workers: usize, folder: &Path) -> Result<Server, Failure> {
    let model = keymint::start(lab, keymint::MEMORY, workers, folder).await?;
    let api = Api::at(model.url());
    let keys = api.create_keys(Sort::Limited, 1).await?;
    let Answer { headers, body } = api.verify(&keys[0]).await?;
    model.stop().await?;
    // These the server writes itself.
    let headers = headers.into_iter().filter(|(name, _)| !["content-length", "date"].contains(&name.as_str()));
    let answer = folder.join("answer");
    fs::write(&answer, serde_json::to_vec(&Recorded { headers: headers.collect(), body })?)?;

    let mut command = Command::new(env::current_exe()?);
    command.env_clear().args(["bare", "--workers", &workers.to_string(), "--answer"]).arg(answer);
    Server::start(&mut command, folder).await
}

/// The process.
pub(crate) fn serve(arguments: &Bare) -> Result<(), Failure> {
    let Recorded { headers, body } = serde_json::from_slice(&fs::read(&arguments.answer)?)?;
    let headers = headers.into_iter().map(|(name, value)| Ok((name.parse()?, value.parse()?)));
    let headers: Vec<(HeaderName, HeaderValue)> = headers.collect::<Result<_, Failure>>()?;
    let answer = Data::new((headers, Bytes::from(body)));

    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("bare listens on http://{}", listener.local_addr()?);
    let server = HttpServer::new(move || {
        App::new().app_data(answer.clone()).route("/api/auth/api-key/verify", web::post().to(verify))
    });
    let server = if arguments.workers == 0 { server } else { server.workers(arguments.workers) };
    actix_web::rt::System::new().block_on(server.listen(listener)?.run())?;
    Ok(())
}

async fn verify(_: Json<Request>, answer: Data<(Vec<(HeaderName, HeaderValue)>, Bytes)>) -> HttpResponse {
    let (headers, body) = &**answer;
    let mut response = HttpResponse::Ok();
    for (name, value) in headers {
        response.insert_header((name.clone(), value.clone()));
    }
    response.body(body.clone())
}
