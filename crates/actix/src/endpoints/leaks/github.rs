//! `POST /leaks/github`: reports of GitHub's secret scanning, by the protocol of its partner program.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymint_domain::key::PlainKey;
use keymint_domain::leak::MAX_LEAKS;
use keymint_ports::FetchFailure;
use keymint_service::{FoundText, NotFromGithub, ServiceError};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::ArrayBuilder;

use crate::error::ApiError;
use crate::extract::{read_raw_json, source_of};
use crate::live::CurrentApi;
use crate::members::kind;
use crate::members::schema::{list, nullable, object, optional, required, text};
use crate::openapi::{Callers, Description, DocumentContext};

/// The header with the identifier of GitHub's public key.
const KEY_ID: &str = "github-public-key-identifier";
/// The header with the signature, in base64.
const SIGNATURE: &str = "github-public-key-signature";

/// The largest body, in bytes: 1,000 findings with long URLs.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The verdict on one finding, as GitHub reads it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeakVerdict)]
struct LeakVerdict {
    /// The SHA-256 of the token, in hexadecimal digits.
    token_hash: String,
    /// The type that the report gave.
    token_type: String,
    /// `true_positive` if the token is a key, else `false_positive`.
    label: &'static str,
}

/// A finding of a report.
struct Finding {
    kind: String,
    found: FoundText,
}

pub(super) fn describe(_: &DocumentContext<'_>) -> Description {
    const DIGEST: &str = "9a45520a1213f15016d2d768b5fb3d904492a44ee274b44d4de8803e00fb536a";
    let example = json!([{
        "source": "commit", "token": "some_token", "type": "some_type", "url": "https://example.com/base-repo-url/"
    }]);
    let verdict = json!([{ "token_hash": DIGEST, "token_type": "some_type", "label": "false_positive" }]);
    let answer = ArrayBuilder::new().items(Ref::from_schema_name(LeakVerdict::name()));
    let headers = vec![
        required("Github-Public-Key-Identifier", text(), "The identifier of GitHub's public key."),
        required("Github-Public-Key-Signature", text(), "The signature of the body by that key, in base64."),
    ];
    let unknown =
        [NotFromGithub::UnknownKey, NotFromGithub::WrongSignature, NotFromGithub::NoKeys(FetchFailure::TimedOut)];
    Description::new("reportLeaksOfGithub", "Takes a report of GitHub's secret scanning.", Callers::Anyone)
        .text("GitHub signs the body: ECDSA on P-256 with SHA-256. A repeated report changes nothing.")
        .takes_from(&ParameterIn::Header, headers)
        .reads_schema(body_schema(), example)
        .refers_to::<LeakVerdict>()
        .answers_with("For each finding, whether its token is a key.", answer, verdict)
        .fails(unknown.map(ApiError::from))
        .fails([ApiError::Unsigned, ApiError::NotFound, ServiceError::Overloaded.into()])
}

fn body_schema() -> ArrayBuilder {
    let finding = object(vec![
        required("token", text(), "The text that was found."),
        required("type", text(), "GitHub's name for texts of its form."),
        optional("url", nullable(text()), "The place where it was found."),
        optional("source", nullable(text()), "The kind of that place."),
    ]);
    list(finding, MAX_LEAKS)
}

pub(super) async fn report(http: HttpRequest, api: CurrentApi, payload: Payload) -> Result<HttpResponse, ApiError> {
    let reports = api.github_reports.as_ref().ok_or(ApiError::NotFound)?;
    let (key_id, signature) = signature_of(&http).ok_or(ApiError::Unsigned)?;
    let body = read_raw_json(&http, &api, payload.into_inner(), BODY_LIMIT).await?;
    reports.check(key_id, &signature, &body).await?;
    let findings = read(&body)?;
    let (kinds, found): (Vec<_>, Vec<_>) = findings.into_iter().map(|finding| (finding.kind, finding.found)).unzip();
    let known = reports.apply(&api.keys, &found, &source_of(&http, &api)).await?;
    let verdicts = kinds.into_iter().zip(&found).zip(known).map(|((token_type, found), is_key)| LeakVerdict {
        token_hash: hex(&Sha256::digest(found.key.expose())),
        token_type,
        label: if is_key { "true_positive" } else { "false_positive" },
    });
    Ok(HttpResponse::Ok().json(verdicts.collect::<Vec<_>>()))
}

/// Returns the identifier of the key and the signature, if both are there and of their form.
fn signature_of(http: &HttpRequest) -> Option<(&str, Vec<u8>)> {
    let header = |name: &str| http.headers().get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty());
    Some((header(KEY_ID)?, STANDARD.decode(header(SIGNATURE)?).ok()?))
}

/// Reads the findings of a body. Its problems are named by their places, and never by their values.
fn read(body: &[u8]) -> Result<Vec<Finding>, ApiError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| ApiError::InvalidJson)?;
    let expected = |path: &str, expected: &str, value: Option<&Value>| {
        ApiError::Validation(format!("[{path}] Invalid input: expected {expected}, received {}", kind(value)))
    };
    let Value::Array(items) = body else { return Err(expected("body", "array", Some(&body))) };
    if items.len() > MAX_LEAKS {
        return Err(ApiError::Validation(format!("[body] Too big: expected array to have <={MAX_LEAKS} items")));
    }
    let read_one = |(place, item): (usize, Value)| {
        let Value::Object(mut members) = item else {
            return Err(expected(&format!("body.{place}"), "object", Some(&item)));
        };
        let mut text = |name: &str, is_required: bool| match members.remove(name) {
            Some(Value::String(text)) => Ok(text),
            None | Some(Value::Null) if !is_required => Ok(String::new()),
            other => Err(expected(&format!("body.{place}.{name}"), "string", other.as_ref())),
        };
        let (token, kind) = (text("token", true)?, text("type", true)?);
        let (source, url) = (text("source", false)?, text("url", false)?);
        Ok(Finding { kind, found: FoundText { key: PlainKey::new(token), source, url } })
    };
    items.into_iter().enumerate().map(read_one).collect()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
