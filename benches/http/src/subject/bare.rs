//! The bare endpoint: the cost of HTTP and JSON without lookups, decisions and writes.
//!
//! It parses the request's body if there is one, and answers with the header fields and the body of an answer that
//! Keymint gave, so that both sides read and write the same bytes.

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

/// One answer for each endpoint.
#[derive(Debug, Serialize, Deserialize)]
struct Answers<T> {
    verify: T,
    authorize: T,
}

/// An answer that is ready to be sent.
#[derive(Debug)]
struct Given {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Given {
    fn of(Answer { headers, body }: Answer) -> Result<Self, Failure> {
        // The server writes these itself.
        let headers = headers.into_iter().filter(|(name, _)| !["content-length", "date"].contains(&name.as_str()));
        let headers = headers.map(|(name, value)| Ok((name.parse()?, value.parse()?)));
        Ok(Self { headers: headers.collect::<Result<_, Failure>>()?, body: Bytes::from(body) })
    }

    fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.clone()));
        }
        response.body(self.body.clone())
    }
}

/// The body of a verification. Other members are dropped, as in Keymint.
#[derive(Debug, Deserialize)]
struct Request {
    #[serde(rename = "key")]
    _key: String,
}

/// Records answers of Keymint, and starts a process that gives them.
pub(crate) async fn start(lab: &Lab, workers: usize, folder: &Path) -> Result<Server, Failure> {
    let model = keymint::start(lab, keymint::MEMORY, workers, folder).await?;
    let api = Api::at(model.url());
    let keys = api.create_keys(Sort::Limited, 1).await?;
    let verify = api.verify(&keys[0]).await?;
    let authorize = api.authorize(&keys[0]).await?;
    model.stop().await?;
    let answers = folder.join("answers");
    fs::write(&answers, serde_json::to_vec(&Answers { verify, authorize })?)?;

    let mut command = Command::new(env::current_exe()?);
    command.env_clear().args(["bare", "--workers", &workers.to_string(), "--answers"]).arg(answers);
    Server::start(&mut command, folder).await
}

/// Runs the process.
pub(crate) fn serve(arguments: &Bare) -> Result<(), Failure> {
    let recorded: Answers<Answer> = serde_json::from_slice(&fs::read(&arguments.answers)?)?;
    let given = Answers { verify: Given::of(recorded.verify)?, authorize: Given::of(recorded.authorize)? };
    let answers = Data::new(given);

    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("bare listens on http://{}", listener.local_addr()?);
    let server = HttpServer::new(move || {
        let app = App::new().app_data(answers.clone());
        app.route("/api/auth/api-key/verify", web::post().to(verify)).route("/authorize", web::to(authorize))
    });
    let server = if arguments.workers == 0 { server } else { server.workers(arguments.workers) };
    actix_web::rt::System::new().block_on(server.listen(listener)?.run())?;
    Ok(())
}

async fn verify(_: Json<Request>, answers: Data<Answers<Given>>) -> HttpResponse {
    answers.verify.response()
}

async fn authorize(answers: Data<Answers<Given>>) -> HttpResponse {
    answers.authorize.response()
}
