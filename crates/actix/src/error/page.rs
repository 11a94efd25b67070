use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};

use super::ApiError;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The error of a request for a page, with the page that tells of it. It is logged as the same error of the API is.
pub struct FailedPage {
    /// The reason.
    pub error: Box<ApiError>,
    /// The page, which has the status of the reason.
    pub html: String,
}

impl ResponseError for FailedPage {
    fn status_code(&self) -> StatusCode {
        self.error.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        // The connection ends where a body was not read, as it does for the API.
        let mut response = self.error.error_response().map_body(|_, _| self.html.clone());
        response.headers_mut().insert(header::CONTENT_TYPE, HTML);
        response.map_into_boxed_body()
    }
}

impl fmt::Debug for FailedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FailedPage").field(&self.error).finish()
    }
}

impl fmt::Display for FailedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}
