//! A use of a key that is tried and not counted: the report of every rule.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::address::parse_address;
use keymint_domain::verify::{Cost, DryRun, Fact, Judgement, RuleReport};
use keymint_domain::{ApiKey, Permissions};
use keymint_service::TryKey;

use super::key::reason;
use super::parts::words;
use crate::answer::{Answer, page_as};
use crate::ask::Ask;
use crate::form::{Fields, Problems};
use crate::layout::{Layout, Section};
use crate::show::{count, duration};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/keys/try_out/page.html")]
struct TryPage {
    layout: Layout,
    problems: Problems,
    name: String,
    path: String,
    permissions: String,
    address: String,
    cost: String,
    outcome: Option<Outcome>,
}

struct Outcome {
    is_accepted: bool,
    text: String,
    rules: Vec<RuleLine>,
}

struct RuleLine {
    name: String,
    tone: &'static str,
    verdict: &'static str,
    text: String,
    facts: Vec<(String, String)>,
}

/// The form is sent by GET: it changes nothing, and its address can be shared.
pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key(&visitor).await?;
    let mut problems = Problems::default();
    let asked = read(&ask.query, &key, &mut problems);
    let outcome = match asked.filter(|_| problems.is_empty()) {
        Some(request) => Some(outcome(&ask.keys().dry_run_of(&visitor.caller, request).await?)),
        None => None,
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let name = super::name(&key);
    let text = |field: &str| ask.query.raw(field).chars().take(1000).collect::<String>();
    let template = TryPage {
        layout: Layout::of(&visitor, Section::Keys, format!("Test {name}")),
        problems,
        name,
        path: visitor.path(&key.details.id),
        permissions: text("permissions"),
        address: text("address"),
        cost: Some(text("cost")).filter(|cost| !cost.is_empty()).unwrap_or_else(|| "1".to_owned()),
        outcome,
    };
    page_as(status, &template)
}

fn read(query: &Fields, key: &ApiKey, problems: &mut Problems) -> Option<TryKey> {
    let permissions = query.get("permissions").and_then(|text| {
        let line = text.split_whitespace().collect::<Vec<_>>().join(",");
        match Permissions::from_words(&line.replace(",,", ",")) {
            Ok(permissions) => Some(permissions),
            Err(error) => {
                problems.add("permissions", format!("Write resource:action: {error}."));
                None
            }
        }
    });
    let client_ip: Option<IpAddr> = query.get("address").and_then(|text| {
        let address = parse_address(text);
        if address.is_none() {
            problems.add("address", "Enter one address, as in 203.0.113.7.");
        }
        address
    });
    let cost = match query.get("cost") {
        None => Some(1),
        Some(_) => problems.number(query, "cost", 0..=1_000_000).and_then(|cost| u32::try_from(cost).ok()),
    };
    let details = &key.details;
    let (id, config_id) = (details.id.clone(), Some(details.config_id.clone()));
    Some(TryKey { id, config_id, permissions, cost: Cost(cost?), client_ip })
}

fn outcome(run: &DryRun) -> Outcome {
    let refused = run.verdict.refused();
    let text = match refused {
        None => "A use would be accepted.".to_owned(),
        Some(refusal) => format!("A use would be refused: {}.", reason(refusal.reason().as_str())),
    };
    Outcome { is_accepted: refused.is_none(), text, rules: run.reports.iter().map(line).collect() }
}

fn line(report: &RuleReport) -> RuleLine {
    let RuleReport { rule, judgement, facts } = report;
    let (tone, verdict, text) = match judgement {
        Judgement::Passed => ("good", "Passed", String::new()),
        Judgement::Refused { code, retry_in_ms } => {
            let wait = retry_in_ms.map(|ms| format!("; it would pass in {}", duration(ms.max(1000) / 1000 * 1000)));
            ("bad", "Refused", format!("{}{}", reason(code.as_str()), wait.unwrap_or_default()))
        }
        Judgement::NotJudged => ("off", "Not judged", String::new()),
    };
    let said = facts.iter().filter(|(_, fact)| *fact != Fact::None);
    let facts = said.map(|(name, fact)| (spaced(name), value(name, fact))).collect();
    RuleLine { name: rule_name(rule).to_owned(), tone, verdict, text, facts }
}

/// Returns the name of a rule in words.
fn rule_name(rule: &str) -> &str {
    match rule {
        "exists" => "The key exists",
        "configuration" => "It is of the asked configuration",
        "address" => "It is used from an allowed network",
        "enabled" => "It is enabled",
        "expiry" => "It has not expired",
        "owner" => "Its owner may use keys",
        "permissions" => "It has the asked permissions",
        "quota" => "Its quota has room",
        "rateLimit" => "Its rate limit has room",
        other => other,
    }
}

/// Returns a name in camel case as words.
fn spaced(name: &str) -> String {
    name.chars().fold(String::new(), |mut words, letter| {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
        words
    })
}

fn value(name: &str, fact: &Fact) -> String {
    let is_time = name == "window" || name.ends_with("Interval");
    match fact {
        Fact::Number(ms) if is_time => duration(*ms),
        Fact::None => "none".to_owned(),
        Fact::Flag(true) => "yes".to_owned(),
        Fact::Flag(false) => "no".to_owned(),
        Fact::Text(text) => text.to_string(),
        Fact::Number(number) => count(*number),
        Fact::Instant(at) => at.to_string(),
        Fact::Permissions(permissions) => words(permissions).join(", "),
    }
}
