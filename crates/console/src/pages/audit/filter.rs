use keymint_domain::event::{Actor, EventQuery, KindPattern};
use keymint_domain::{ConfigId, KeyId, OwnerId, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::form::{Fields, Problems};

/// The filter, as its form shows it.
pub(super) struct FilterView {
    pub(super) kind: String,
    pub(super) actor: String,
    pub(super) key: String,
    pub(super) owner: String,
    pub(super) config: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) is_empty: bool,
}

/// The parameters of the address that say which events are shown.
const PARAMETERS: [&str; 7] = ["type", "actor", "key", "owner", "config", "from", "to"];

/// The characters of a wrong value that are shown again.
pub(super) const SHOWN: usize = 300;

impl FilterView {
    pub(super) fn of(query: &Fields) -> Self {
        let shown = |name| query.get(name).unwrap_or_default().chars().take(SHOWN).collect();
        Self {
            kind: shown("type"),
            actor: shown("actor"),
            key: shown("key"),
            owner: shown("owner"),
            config: shown("config"),
            from: shown("from"),
            to: shown("to"),
            is_empty: PARAMETERS.iter().all(|name| query.get(name).is_none()),
        }
    }

    /// Returns the names and values that are set, for another form.
    pub(super) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let Self { kind, actor, key, owner, config, from, to, is_empty: _ } = self;
        let values = [kind, actor, key, owner, config, from, to].map(String::as_str);
        PARAMETERS.into_iter().zip(values).filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// Reads the filter, as the API does. What is wrong is added to `problems`.
pub(super) fn read(query: &Fields, limit: u32, problems: &mut Problems) -> EventQuery {
    let mut latest = EventQuery::latest(limit);
    if let Some(text) = query.get("type") {
        match text.split(',').map(|kind| KindPattern::parse(kind.trim())).collect() {
            Ok(kinds) => latest.kinds = kinds,
            Err(error) => problems.add("type", format!("A kind {error}.")),
        }
    }
    if let Some(text) = query.get("actor") {
        match Actor::parse(text) {
            Ok(actor) => latest.actor = Some(actor.to_string()),
            Err(error) => problems.add("actor", format!("The actor {}.", error.to_string().replace('`', ""))),
        }
    }
    if let Some(text) = query.get("key") {
        match KeyId::parse(text) {
            Ok(id) => latest.key_id = Some(id),
            Err(error) => problems.add("key", format!("The id {error}.")),
        }
    }
    if let Some(text) = query.get("owner") {
        match OwnerId::parse(text) {
            Ok(id) => latest.owners = Some(vec![id]),
            Err(error) => problems.add("owner", format!("The owner {error}.")),
        }
    }
    if let Some(text) = query.get("config") {
        match ConfigId::parse(text) {
            Ok(id) => latest.config_id = Some(id),
            Err(error) => problems.add("config", format!("The configuration {error}.")),
        }
    }
    let mut instant = |name: &'static str| {
        let read = Timestamp::parse_or_date(query.get(name)?);
        if read.is_err() {
            problems.add(name, "Enter a date as in 2026-11-30, or an instant as in 2026-11-30T12:00:00Z.");
        }
        read.ok()
    };
    let (from, to) = (instant("from"), instant("to"));
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        problems.add("to", "Enter a later time than the first one.");
    } else if from.is_some() || to.is_some() {
        latest.time = Some(from.unwrap_or(Timestamp::MIN)..to.unwrap_or(Timestamp::MAX));
    }
    latest
}

/// Returns an address with the parameters of the filter, and more.
pub(super) fn address(path: &str, query: &Fields, more: &[(&str, &str)]) -> String {
    let own = PARAMETERS.iter().filter_map(|name| Some((*name, query.get(name)?)));
    let pairs = own.chain(more.iter().copied());
    let pairs = pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    let pairs = pairs.collect::<Vec<_>>().join("&");
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{pairs}") }
}
