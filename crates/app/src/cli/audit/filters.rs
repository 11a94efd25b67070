use keymint_domain::event::{Actor, EventQuery, KindPattern};
use keymint_domain::{ConfigId, KeyId, OwnerId, Timestamp};

use crate::cli::arguments::AuditFilters;
use crate::cli::options::Options;

/// Reads the filters of events. Their problems are left to [`Options::finish`].
pub(super) fn read(options: &mut Options, filters: AuditFilters) -> EventQuery {
    let AuditFilters { key, owner, config_id, kinds, actor, from, to } = filters;
    let instant =
        |text: String| Timestamp::parse_or_date(&text).map_err(|_| "Invalid date-time: must be RFC 3339, or a date");
    let key_id = options.text("key", key, KeyId::parse);
    let owner = options.text("owner", owner, OwnerId::parse);
    let config_id = options.text("configId", config_id, ConfigId::parse);
    let kinds = options.parsed("type", kinds, |text| text.split(',').map(KindPattern::parse).collect::<Result<_, _>>());
    let actor = options.parsed("actor", actor, |text| Actor::parse(&text));
    let (from, to) = (options.parsed("from", from, instant), options.parsed("to", to, instant));
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        options.refuse("to", "must be later than from");
    }
    EventQuery {
        key_id,
        owners: owner.map(|owner| vec![owner]),
        config_id,
        kinds: kinds.unwrap_or_default(),
        actor: actor.map(|actor| actor.to_string()),
        time: (from.is_some() || to.is_some()).then(|| from.unwrap_or(Timestamp::MIN)..to.unwrap_or(Timestamp::MAX)),
        ..EventQuery::latest(0)
    }
}
