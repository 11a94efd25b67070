use std::io;
use std::sync::Arc;

use keymint_actix::ApiError;
use keymint_actix::endpoints::keys::{read_create, read_key, read_list, read_update};
use keymint_actix::endpoints::verification::read_verify;
use keymint_actix::members::Members;
use keymint_actix::views::{CreatedView, DryRunView, KeyView, PageView, UnreadableView, VerdictView};
use keymint_domain::listing::Unreadable;
use keymint_domain::verify::DryRun;
use keymint_domain::{ApiKey, KeyDetails, KeyId};
use keymint_service::{Caller, Keys, Revoked, ServiceError};
use serde_json::{Map, Value, json};

use super::arguments::{self, KeyCommand};
use super::{CliResult, Outcome, output};

/// What a list shows where nobody asked for JSON.
const COLUMNS: [&str; 8] = ["id", "name", "start", "referenceId", "configId", "enabled", "remaining", "expiresAt"];

/// What a dry run shows where nobody asked for JSON.
const RULE_COLUMNS: [&str; 5] = ["rule", "verdict", "code", "tryAgainIn", "values"];

/// A request as the HTTP API would have it: options become its members, and are checked by the same reader.
#[derive(Default)]
struct Request(Map<String, Value>);

impl Request {
    fn text(mut self, name: &str, text: Option<String>) -> Self {
        self.0.extend(text.map(|text| (name.to_owned(), Value::String(text))));
        self
    }

    /// An option that holds JSON; what is not JSON stays text, which the reader then refuses by name.
    fn json(mut self, name: &str, text: Option<String>) -> Self {
        let value = text.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
        self.0.extend(value.map(|value| (name.to_owned(), value)));
        self
    }

    fn flag(mut self, name: &str, flag: Option<bool>) -> Self {
        self.0.extend(flag.map(|flag| (name.to_owned(), Value::Bool(flag))));
        self
    }

    /// An option that may be there more than once; a lone `null` is none at all.
    fn list(mut self, name: &str, texts: Vec<String>) -> Self {
        let value = match &texts[..] {
            [] => return self,
            [text] if text == "null" => Value::Null,
            _ => texts.into(),
        };
        self.0.insert(name.to_owned(), value);
        self
    }

    fn members(self, members: Box<arguments::Members>) -> Self {
        let arguments::Members {
            config_id,
            name,
            expires_in,
            metadata,
            remaining,
            refill_amount,
            refill_interval,
            rate_limit_enabled,
            rate_limit_time_window,
            rate_limit_max,
            permissions,
            allow,
            deny,
        } = *members;
        self.text("configId", config_id)
            .text("name", name)
            .json("expiresIn", expires_in)
            .json("metadata", metadata)
            .json("remaining", remaining)
            .json("refillAmount", refill_amount)
            .json("refillInterval", refill_interval)
            .flag("rateLimitEnabled", rate_limit_enabled)
            .json("rateLimitTimeWindow", rate_limit_time_window)
            .json("rateLimitMax", rate_limit_max)
            .json("permissions", permissions)
            .list("allowedAddresses", allow)
            .list("deniedAddresses", deny)
    }

    fn read<T>(self, read: impl FnOnce(&mut Members<'_>) -> Option<T>) -> CliResult<T> {
        let mut members = Members::options(&self.0);
        let value = read(&mut members);
        members.finish(value).map_err(|error| explain(error).into())
    }
}

pub(super) async fn run(keys: &Keys, command: KeyCommand, json: bool) -> CliResult {
    let caller = Caller::Server;
    match command {
        KeyCommand::Create { user, organization, prefix, members } => {
            let request = Request::default().text("userId", user).text("organizationId", organization);
            let request = request.text("prefix", prefix).members(members);
            let request = request.read(|body| Some(read_create(body)))?;
            let minted = keys.create(&caller, request).await.map_err(refused)?;
            output::record(&CreatedView::from(&minted), json)
        }
        KeyCommand::List { user, organization, config_id, limit, offset, sort_by, sort_direction } => {
            let request = Request::default()
                .text("userId", user)
                .text("organizationId", organization)
                .text("configId", config_id)
                .text("limit", limit)
                .text("offset", offset)
                .text("sortBy", sort_by)
                .text("sortDirection", sort_direction)
                .read(|query| Some(read_list(query)))?;
            let (limit, offset) = (request.limit, request.offset);
            let page = keys.list(&caller, request).await.map_err(refused)?;
            let mut rows = page.keys.iter().map(in_table).collect::<Result<Vec<_>, _>>()?;
            let unreadable = page.unreadable.iter().map(|Unreadable { id, column }| {
                json!({ "id": id.as_ref().map(KeyId::as_str), "name": format!("(cannot be read: {column})") })
            });
            rows.extend(unreadable);
            let next = offset.unwrap_or(0) + rows.len() as u64;
            if !json && !rows.is_empty() && next < page.total {
                tracing::warn!(total = page.total, "more keys match: --offset {next} shows the next ones");
            }
            output::table(&PageView::new(&page, limit, offset), &rows, &COLUMNS, json)
        }
        KeyCommand::Get { id } => {
            let (id, _) = Request::default().text("id", Some(id)).read(|query| read_key(query, "id"))?;
            let key = keys.get(&caller, &id, None).await.map_err(refused)?;
            output::record(&KeyView::from(&key), json)
        }
        KeyCommand::Verify { key, config_id, permissions, cost, client_ip, dry_run } => {
            let key = if key == "-" { io::read_to_string(io::stdin())?.trim_end().to_owned() } else { key };
            let (request, _) = Request::default()
                .text("key", Some(key))
                .text("configId", config_id)
                .json("permissions", permissions)
                .json("cost", cost)
                .text("clientIp", client_ip)
                .read(read_verify)?;
            if dry_run {
                let run = keys.dry_run(&caller, request).await.map_err(refused)?;
                return show_dry_run(&run, json);
            }
            let verdict = keys.verify(&caller, request).await.map_err(refused)?;
            output::record(&VerdictView::from(&verdict), json)?;
            Ok(if verdict.accepted().is_some() { Outcome::Done } else { Outcome::No })
        }
        KeyCommand::Update { id, enabled, members } => {
            let request = Request::default().text("keyId", Some(id)).flag("enabled", enabled).members(members);
            let key = keys.update(&caller, request.read(read_update)?).await.map_err(refused)?;
            output::record(&KeyView::from(&key), json)
        }
        KeyCommand::Revoke { id } => {
            let (id, _) = Request::default().text("id", Some(id)).read(|body| read_key(body, "id"))?;
            match keys.revoke(&caller, &id, None).await.map_err(refused)? {
                Revoked::Key(key) => output::record(&KeyView::from(&key), json),
                Revoked::Unreadable(row) => output::record(&UnreadableView::from(&row), json),
            }
        }
        KeyCommand::Delete { id } => {
            let (id, _) = Request::default().text("keyId", Some(id)).read(|body| read_key(body, "keyId"))?;
            keys.delete(&caller, &id, None).await.map_err(refused)?;
            output::record(&json!({ "success": true }), json)
        }
    }
}

/// A key as a list shows it, where there is no place for metadata.
fn in_table(key: &ApiKey) -> serde_json::Result<Value> {
    let details = Arc::new(KeyDetails { metadata: None, ..KeyDetails::clone(&key.details) });
    serde_json::to_value(KeyView::from(&ApiKey { details, usage: key.usage }))
}

/// The rules of a dry run as a table, with the verdict below.
fn show_dry_run(run: &DryRun, json: bool) -> CliResult {
    let answer = serde_json::to_value(DryRunView::from(run))?;
    let mut rules = answer.get("rules").and_then(Value::as_array).cloned().unwrap_or_default();
    for rule in &mut rules {
        let values: Vec<_> = rule["values"].as_object().into_iter().flatten().map(output::pair).collect();
        rule["values"] = values.join(" ").into();
    }
    output::table(&answer, &rules, &RULE_COLUMNS, json)?;
    if !json {
        let outcome = run.verdict.refused().map_or("valid", |refusal| refusal.code.as_str());
        output::line(outcome)?;
    }
    Ok(if run.verdict.accepted().is_some() { Outcome::Done } else { Outcome::No })
}

/// What the reader says, with the option's place in the request, such as `[option.expiresIn]`.
fn explain(error: ApiError) -> String {
    match error {
        ApiError::Validation(text) => text,
        other => other.code().to_owned(),
    }
}

/// A refusal in the wire's words, anything else with its causes.
fn refused(error: ServiceError) -> Box<dyn std::error::Error> {
    match error {
        ServiceError::Refused(code) => format!("{}: {}", code.as_str(), code.message()).into(),
        other => other.into(),
    }
}
