//! `/`: a short page for whoever finds the server, with links to what there is.
//!
//! It belongs to the server alone. Applications that mount the endpoints have a `/` of their own.

use actix_web::guard;
use actix_web::http::Method;
use actix_web::http::header::{self, ContentType};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use crate::error::ApiError;
use crate::observe::Route;

const README: &str = "https://github.com/keymint/keymint#readme";

/// The page has no script, no style and no frame.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Mounts the page. `console` is the path of the pages for people, if there are any.
pub(crate) fn mount(app: &mut ServiceConfig, console: Option<&'static str>) {
    let probe = guard::Any(guard::Get()).or(guard::Method(Method::HEAD));
    let page = web::resource("/")
        .app_data(Route { pattern: "/", is_frequent: false })
        .route(web::route().guard(probe).to(move |request: HttpRequest| async move { page(&request, console) }))
        .default_service(web::to(|| async { Err::<HttpResponse, _>(ApiError::NotFound) }));
    app.service(page);
}

/// Answers with HTML if the client names it, as browsers do, and else with text.
fn page(request: &HttpRequest, console: Option<&str>) -> HttpResponse {
    let links = links(console);
    let wants_html = request.headers().get_all(header::ACCEPT).any(|accept| {
        accept.to_str().is_ok_and(|accept| accept.split(',').any(|range| range.trim().starts_with("text/html")))
    });
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::VARY, "accept"));
    answer.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if wants_html {
        answer.insert_header(ContentType::html()).insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
        answer.body(html(&links))
    } else {
        answer.insert_header(ContentType::plaintext()).body(text(&links))
    }
}

fn links(console: Option<&str>) -> Vec<(&'static str, &str)> {
    let console = console.map(|path| ("console", path));
    console.into_iter().chain([("api", "/docs"), ("openapi", "/openapi.json"), ("readme", README)]).collect()
}

fn text(links: &[(&str, &str)]) -> String {
    let links = links.iter().map(|(name, target)| format!("{name:<9}{target}\n"));
    format!("Keymint: API keys\n\n{}", links.collect::<String>())
}

fn html(links: &[(&str, &str)]) -> String {
    let links = links.iter().map(|(name, target)| format!("<li><a href=\"{target}\">{name}</a></li>"));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Keymint</title>\
         <h1>Keymint: API keys</h1><ul>{}</ul></html>\n",
        links.collect::<String>()
    )
}
