use actix_web::HttpResponse;
use askama::Template;
use keymint_domain::key::Minted;
use keymint_service::Caller;

use crate::answer::{Answer, NO_STORE, page};
use crate::ask::Ask;
use crate::layout::Layout;
use crate::visitor::Visitor;

/// The page that shows a secret once.
#[derive(Template)]
#[template(path = "pages/keys/create/reveal.html")]
pub(in crate::pages::keys) struct Reveal {
    layout: Layout,
    name: String,
    path: String,
    secret: String,
    environment: String,
    command: String,
    needs_server_key: bool,
    is_first: bool,
    /// False for a guest who may not get another secret for the key.
    may_rotate: bool,
    limits: Vec<String>,
}

/// The secret that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages::keys) enum Secret {
    /// The first one of a new key.
    First,
    /// A new one of a key that has another one.
    Rotated,
}

impl Reveal {
    /// Returns the page of a key that was just made, or got a new secret.
    pub(in crate::pages::keys) async fn new(
        ask: &Ask,
        visitor: &Visitor,
        layout: Layout,
        minted: &Minted,
        secret: Secret,
    ) -> Self {
        let (text, key) = (minted.plain.expose(), &minted.key);
        let may_verify = ask.keys().may_verify(&Caller::Anyone);
        let limits = ask.keys().standings(key).map(|standing| {
            let calls = crate::show::plural(standing.max, "call", "calls");
            format!("{calls} in {}", crate::show::duration(standing.window_ms))
        });
        Self {
            layout,
            name: super::super::name(key),
            path: visitor.path(&key.details.id),
            secret: text.to_owned(),
            environment: format!("API_KEY={}\n", quoted(text)),
            command: command(&ask.console.base_url, &ask.api().options.base_path, text, may_verify),
            needs_server_key: !may_verify,
            is_first: secret == Secret::First,
            // The secret was made, and is shown whatever else fails.
            may_rotate: ask.may(visitor, &minted.key).await.is_ok_and(|may| may.rotate),
            limits: limits.collect(),
        }
    }

    /// Answers the page. No cache and no history keeps it.
    pub(in crate::pages::keys) fn answer(&self) -> Answer {
        let mut answer: HttpResponse = page(self)?;
        answer.headers_mut().insert(actix_web::http::header::CACHE_CONTROL, NO_STORE);
        Ok(answer)
    }
}

/// Returns a line for a shell that verifies the key.
fn command(base_url: &str, base_path: &str, secret: &str, is_public: bool) -> String {
    let body = serde_json::json!({ "key": secret }).to_string();
    let url = quoted(&format!("{base_url}{base_path}/api-key/verify"));
    let server = if is_public { "" } else { " \\\n  -H \"Authorization: Bearer $KEYMINT_SERVER_KEY\"" };
    format!("curl {url}{server} \\\n  -H 'Content-Type: application/json' \\\n  -d {}", quoted(&body))
}

/// Quotes a text for a shell, if it needs it.
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:/".contains(letter);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_the_lines_as_they_are() {
        assert_eq!(quoted("sk_live-1.2"), "sk_live-1.2");
        assert_eq!(quoted("a'b $c"), r"'a'\''b $c'");
        let line = command("http://127.0.0.1:8787", "/api/auth", "sk_1", true);
        assert_eq!(
            line,
            "curl http://127.0.0.1:8787/api/auth/api-key/verify \\\n  -H 'Content-Type: application/json' \\\n  \
             -d '{\"key\":\"sk_1\"}'"
        );
        assert!(command("http://h", "", "sk_1", false).contains("Bearer $KEYMINT_SERVER_KEY\""));
    }
}
