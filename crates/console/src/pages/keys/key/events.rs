use keymint_domain::ApiKey;
use keymint_domain::event::{EventQuery, SealedEvent};
use keymint_service::Whose;

use crate::answer::Failure;
use crate::ask::Ask;
use crate::show::When;
use crate::visitor::Visitor;

/// An event of a key.
pub(crate) struct EventLine {
    pub(crate) at: When,
    pub(crate) text: String,
    pub(crate) by: String,
    pub(crate) changed: String,
}

/// Events on the page of a key.
const LIMIT: u32 = 20;

/// Reads the latest events of a key; `None` = there is no log.
pub(super) async fn read(ask: &Ask, visitor: &Visitor, key: &ApiKey) -> Result<Option<Vec<EventLine>>, Failure> {
    // Events name people of the team, who are no guest's business.
    let Some(audit) = ask.api().audit.as_ref().filter(|_| !visitor.is_guest()) else { return Ok(None) };
    // The visitor may read the key, and so its events, as the owner's.
    let owners = if visitor.is_operator {
        ask.keys().owners_of_events(&visitor.caller, Whose::Callers).await?
    } else {
        Some(vec![key.details.owner.clone()])
    };
    let query = EventQuery { owners, key_id: Some(key.details.id.clone()), ..EventQuery::latest(LIMIT) };
    let page = audit.read(ask.context(visitor), query, None).await?;
    Ok(Some(page.events.iter().map(|event| line(event, visitor, ask.now())).collect()))
}

fn line(event: &SealedEvent, visitor: &Visitor, now: keymint_domain::Timestamp) -> EventLine {
    let row = &event.row;
    let details = row.details();
    let changed = details
        .get("changed")
        .and_then(|changed| changed.as_array())
        .map(|names| names.iter().filter_map(|name| name.as_str()).collect::<Vec<_>>().join(", "));
    EventLine {
        at: When::relative(row.at, now),
        text: kind(&row.kind),
        by: actor(&row.actor, visitor),
        changed: changed.unwrap_or_default(),
    }
}

/// Returns a kind in words: `keymint.key.rotation_begun` is "Rotation begun".
pub(crate) fn kind(kind: &str) -> String {
    let short = kind.strip_prefix("keymint.key.").or_else(|| kind.strip_prefix("keymint.")).unwrap_or(kind);
    super::usage::reason(&short.replace('.', " "))
}

/// Returns an actor in words.
pub(crate) fn actor(actor: &str, visitor: &Visitor) -> String {
    let (kind, id) = actor.split_once(':').unwrap_or((actor, ""));
    let is_visitor = id == visitor.id.as_str();
    if kind == "portal" {
        return if is_visitor && visitor.is_guest() { "you" } else { "a guest of the portal" }.to_owned();
    }
    match kind {
        "user" if is_visitor && !visitor.is_guest() => "you".to_owned(),
        "operator" if is_visitor => "you, as an operator".to_owned(),
        "key_session" if is_visitor => "one of your keys".to_owned(),
        "user" => format!("user {id}"),
        "operator" => format!("operator {id}"),
        "key_session" => format!("a key of {id}"),
        "server_key" => format!("server key {id}"),
        "server" => "a server".to_owned(),
        "cli" if id.is_empty() => "the command line".to_owned(),
        "cli" => format!("the command line ({id})"),
        "keymint" => "Keymint itself".to_owned(),
        _ => actor.to_owned(),
    }
}
