//! The page that shows a secret once: of a server key, or of a webhook.

use actix_web::HttpResponse;
use askama::Template;

use crate::answer::{Answer, NO_STORE, page};
use crate::layout::Layout;

/// The page.
#[derive(Template)]
#[template(path = "pages/once/page.html")]
pub(crate) struct Once {
    /// The parts around the content.
    pub(crate) layout: Layout,
    /// The secret.
    pub(crate) secret: String,
    /// The environment variable that programs usually read it from.
    pub(crate) variable: &'static str,
    /// The purpose of the secret.
    pub(crate) about: &'static str,
    /// The advice for a secret that is lost.
    pub(crate) lost: &'static str,
    /// The page to go on with.
    pub(crate) path: String,
}

impl Once {
    /// Answers the page. No cache and no history keeps it.
    pub(crate) fn answer(&self) -> Answer {
        let mut answer: HttpResponse = page(self)?;
        answer.headers_mut().insert(actix_web::http::header::CACHE_CONTROL, NO_STORE);
        Ok(answer)
    }
}
