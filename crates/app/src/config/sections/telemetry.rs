use url::Url;

use crate::config::section::Section;
use crate::config::{Place, Problem};
use crate::environment::Environment;

/// The collector of traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// The URL of a collector that takes OTLP over HTTP, without the path of the signal; empty = no traces.
    pub otlp_endpoint: String,
}

/// The variable that names the collector for every program on a machine (OpenTelemetry's specification of the OTLP
/// exporter).
const VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Reads the default from the environment. A variable that is set to nothing counts as not set.
pub(in crate::config) fn read_default(environment: &Environment, problems: &mut Vec<Problem>) -> String {
    let given = environment.get(VARIABLE).unwrap_or_default().to_string_lossy();
    parse_endpoint(given.trim()).unwrap_or_else(|message| {
        problems.push(Problem::at_place(Place::Variable(VARIABLE.into()), message));
        String::new()
    })
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>, default: String) -> Telemetry {
    Telemetry { otlp_endpoint: section.text("otlp_endpoint", "http URL, or empty", default, parse_endpoint) }
}

/// Reads a URL. A slash at the end is dropped.
fn parse_endpoint(text: &str) -> Result<String, &'static str> {
    let message = "must be an http URL without user, query and fragment, as in http://127.0.0.1:4318";
    if text.is_empty() {
        return Ok(String::new());
    }
    let url = Url::parse(text).map_err(|_| message)?;
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if url.scheme() == "http" && bare { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_http_url_or_nothing() {
        for (text, expected) in [
            ("", ""),
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
            ("http://Collector.example/otlp/", "http://collector.example/otlp"),
        ] {
            assert_eq!(parse_endpoint(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["collector:4318", "https://a.example", "grpc://a:4317", "http://u:p@a", "http://a?b", "http://a#b"]
        {
            assert!(parse_endpoint(text).is_err(), "{text}");
        }
    }
}
