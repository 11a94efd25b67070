//! One finding: the keys that it holds for, and what is done with several of them at once.

use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::ApiError;
use keymint_domain::health::Finding;
use keymint_domain::key::EditKey;
use keymint_domain::{ApiKey, ErrorCode, KeyId};
use keymint_service::{ExamineKeys, HealthReport, ServiceError, UpdateKey, stopwatch};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{Answer, Failure, page, page_as};
use crate::ask::Ask;
use crate::form::{Problems, version};
use crate::layout::{Layout, Section};
use crate::pages::keys;
use crate::show::{Badge, When, plural};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/health/finding/page.html")]
struct FindingPage {
    layout: Layout,
    problems: Problems,
    word: &'static str,
    path: String,
    severity: &'static str,
    tone: &'static str,
    about: &'static str,
    advice: &'static str,
    rows: Vec<Row>,
    is_operator: bool,
    takes_actions: bool,
    action: String,
    examined: String,
    /// The page with the next keys; `None` = these were the last ones.
    next: Option<String>,
}

struct Row {
    path: String,
    name: String,
    owner: String,
    badge: Badge,
    last_use: Option<When>,
    created: When,
    /// The id and the version of the key, for the form.
    value: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "pages/health/finding/done.html")]
struct DonePage {
    layout: Layout,
    path: String,
    title: String,
    summary: String,
    changed: Vec<(String, String)>,
    /// The keys that were left as they are, each with the reason.
    skipped: Vec<(String, &'static str)>,
    /// The number of keys that were not reached; `None` = all were.
    rest: Option<String>,
}

/// Keys on a page.
const PER_PAGE: usize = 50;

/// The largest number of keys of a form. One that is not ours may name more.
const MAX_CHOSEN: usize = 1000;

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    answer(&ask, &visitor, Problems::default()).await
}

/// Reads the finding that the path names.
fn read(ask: &Ask) -> Result<Finding, Failure> {
    let word = ask.request.parameter("finding")?;
    let found = Finding::ALL.iter().copied().find(|finding| finding.as_str() == word);
    found.ok_or_else(|| ApiError::NotFound.into())
}

/// Returns true if a key that is found so should be disabled or revoked. Others are changed one by one.
fn takes_actions(finding: Finding) -> bool {
    match finding {
        Finding::Leaked
        | Finding::OwnerGone
        | Finding::OwnerBanned
        | Finding::NeverUsed
        | Finding::Idle
        | Finding::SafeToRemove => true,
        Finding::FormerSecretInUse
        | Finding::Wildcard
        | Finding::Unlimited
        | Finding::RotationDue
        | Finding::RefusedMore
        | Finding::Expiring
        | Finding::NeverExpires => false,
    }
}

async fn answer(ask: &Ask, visitor: &Visitor, problems: Problems) -> Answer {
    let finding = read(ask)?;
    let after = ask.query.get("after").and_then(|id| KeyId::parse(id).ok());
    let Some(Found { keys, examined, next }) = find(ask, visitor, finding, after).await? else {
        return Err(ApiError::NotFound.into());
    };
    let path = super::path(finding);
    let encoded = |id: &KeyId| utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC).to_string();
    let chosen: Vec<&str> = ask.form.all("key").take(MAX_CHOSEN).collect();
    let now = ask.now();
    let row = |key: &ApiKey| {
        let value = format!("{}.{}", key.details.id.as_str(), version(key));
        Row {
            path: keys::path(&key.details.id),
            name: keys::name(key),
            owner: key.details.owner.to_string(),
            badge: Badge::of(key, now),
            last_use: key.usage.last_request.map(|at| When::relative(at, now)),
            created: When::relative(key.details.created_at, now),
            is_chosen: problems.is_empty() || chosen.contains(&&*value),
            value,
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let template = FindingPage {
        layout: Layout::of(visitor, Section::Health, super::title(finding)),
        word: finding.as_str(),
        severity: super::severity(finding),
        tone: super::tone(finding),
        about: super::about(finding),
        advice: finding.advice(),
        rows: keys.iter().map(row).collect(),
        is_operator: visitor.is_operator,
        takes_actions: takes_actions(finding),
        action: ask.form.get("action").unwrap_or("disable").to_owned(),
        examined: plural(examined, "key", "keys"),
        next: next.map(|id| format!("{path}?after={}", encoded(&id))),
        path: match &ask.query.get("after") {
            Some(after) => format!("{path}?after={}", utf8_percent_encode(after, NON_ALPHANUMERIC)),
            None => path,
        },
        problems,
    };
    page_as(status, &template)
}

struct Found {
    keys: Vec<ApiKey>,
    examined: u64,
    next: Option<KeyId>,
}

/// Looks for keys of a finding until there is a page of them, or the time ends; `None` = this server keeps no usage.
async fn find(ask: &Ask, visitor: &Visitor, finding: Finding, after: Option<KeyId>) -> Result<Option<Found>, Failure> {
    let (began, within) = (stopwatch(), super::time_behind(ask, after.as_ref()));
    let mut all = Found { keys: Vec::new(), examined: 0, next: after };
    loop {
        let _turn = ask.request.turn_to_list().await?;
        let request = ExamineKeys {
            finding: Some(finding),
            after: all.next.take(),
            limit: Some(super::PORTION),
            ..ExamineKeys::default()
        };
        let Some(report) = ask.keys().examine(&visitor.caller, request).await? else { return Ok(None) };
        let HealthReport { findings: _, keys, examined, unreadable: _, recorded_since: _, next } = report;
        all.examined += examined;
        all.keys.extend(keys);
        all.next = next;
        if all.keys.len() > PER_PAGE {
            all.keys.truncate(PER_PAGE);
            all.next = all.keys.last().map(|key| key.details.id.clone());
        }
        if all.next.is_none() || all.keys.len() >= PER_PAGE || began.elapsed() >= within {
            return Ok(Some(all));
        }
    }
}

/// The change of the chosen keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Disable,
    Revoke,
}

pub(crate) async fn act(ask: Ask, visitor: Visitor) -> Answer {
    let finding = read(&ask)?;
    if !takes_actions(finding) {
        return Err(ApiError::NotFound.into());
    }
    let mut problems = Problems::default();
    let action = match ask.form.raw("action") {
        "disable" => Some(Action::Disable),
        "revoke" => Some(Action::Revoke),
        _ => {
            problems.add("action", "Choose what is done with the keys.");
            None
        }
    };
    let chosen: Vec<&str> = ask.form.all("key").take(MAX_CHOSEN + 1).collect();
    if chosen.is_empty() {
        problems.add("key", "Choose a key or more.");
    }
    if chosen.len() > MAX_CHOSEN {
        problems.add("key", "Choose fewer keys at once.");
    }
    let keys: Option<Vec<_>> = chosen.iter().map(|value| shown_key(value)).collect();
    if keys.is_none() {
        problems.add("key", "The form names a key that cannot be. Open the page anew, and choose again.");
    }
    problems.check_confirmation(&ask.form, finding.as_str());
    let (Some(action), Some(keys), true) = (action, keys, problems.is_empty()) else {
        return answer(&ask, &visitor, problems).await;
    };
    let (began, mut done) = (stopwatch(), Done::default());
    for (place, (id, version)) in keys.iter().enumerate() {
        if began.elapsed() >= ask.time_for_portions() {
            done.rest = u64::try_from(keys.len() - place).unwrap_or(u64::MAX);
            break;
        }
        match apply(&ask, &visitor, action, id, version).await? {
            Ok(name) => done.changed.push((keys::path(id), name)),
            Err(reason) => done.skipped.push((id.to_string(), reason)),
        }
    }
    tell(&visitor, finding, action, done)
}

#[derive(Default)]
struct Done {
    changed: Vec<(String, String)>,
    skipped: Vec<(String, &'static str)>,
    rest: u64,
}

/// Reads the value of a row: a key, and its version as the page has shown it.
fn shown_key(value: &str) -> Option<(KeyId, &str)> {
    let (id, version) = value.rsplit_once('.')?;
    Some((KeyId::parse(id).ok()?, version))
}

/// The reason of a key that is gone, or not as the form has shown it.
const CHANGED: &str = "changed or removed after the page was shown";

/// Returns the reason why a key is left as it is; a failure that is not of this key is returned as it came.
///
/// Other keys may have been changed by then, so that no refusal of one of them may be the whole answer.
fn reason(failure: Failure) -> Result<&'static str, Failure> {
    match failure {
        Failure::Api(ApiError::Service(ServiceError::Refused(ErrorCode::KeyNotFound | ErrorCode::KeyRevoked))) => {
            Ok(CHANGED)
        }
        Failure::Api(ApiError::Service(ServiceError::Refused(_))) => Ok("you have no right to change it"),
        failure => Err(failure),
    }
}

/// Changes a key, and returns its name, or the reason why it is left as it is.
async fn apply(
    ask: &Ask,
    visitor: &Visitor,
    action: Action,
    id: &KeyId,
    shown: &str,
) -> Result<Result<String, &'static str>, Failure> {
    let key = match ask.find_key(visitor, id).await {
        Ok(key) if version(&key) == shown => key,
        Ok(_) => return Ok(Err(CHANGED)),
        Err(failure) => return reason(failure).map(Err),
    };
    let details = &key.details;
    let context = ask.context(visitor);
    let changed = match action {
        Action::Revoke => ask.keys().revoke(context, id, Some(&details.config_id)).await.map(drop),
        Action::Disable => {
            let edit = EditKey { enabled: Some(false), ..EditKey::default() };
            let request = UpdateKey { id: id.clone(), config_id: Some(details.config_id.clone()), owner: None, edit };
            ask.keys().update(context, request).await.map(drop)
        }
    };
    if let Err(error) = changed {
        return reason(error.into()).map(Err);
    }
    ask.request.note_change(visitor.actor(), id, Some(&details.owner));
    Ok(Ok(keys::name(&key)))
}

fn tell(visitor: &Visitor, finding: Finding, action: Action, done: Done) -> Answer {
    let Done { changed, skipped, rest } = done;
    let number = u64::try_from(changed.len()).unwrap_or(u64::MAX);
    let word = match action {
        Action::Disable => "disabled",
        Action::Revoke => "revoked",
    };
    let title = super::title(finding);
    let template = DonePage {
        layout: Layout::of(visitor, Section::Health, if rest > 0 { "Not done yet" } else { "Done" }),
        path: super::path(finding),
        title,
        summary: format!("{} {word}.", plural(number, "key was", "keys were")),
        changed,
        skipped,
        rest: (rest > 0).then(|| plural(rest, "key was", "keys were")),
    };
    page(&template)
}
