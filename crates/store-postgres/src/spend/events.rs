use keymint_domain::event::{Event, EventRow};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;

/// The events of a batch, one array per column. They are about keys, and have no details about persons.
#[derive(Default)]
pub(super) struct NewEvents {
    ids: Vec<String>,
    instants: Vec<i64>,
    kinds: Vec<String>,
    key_ids: Vec<Option<String>>,
    owners: Vec<Option<String>>,
    config_ids: Vec<Option<String>>,
    actors: Vec<String>,
    data: Vec<String>,
}

/// Adds the events in the arrays of eight placeholders. A condition may follow.
macro_rules! insert_events {
    ($first:literal $(, $rest:literal)*) => {
        concat!(
            r#"insert into "keymint_event" ("id", "at", "kind", "key_id", "owner", "config_id", "actor", "data")
                select e.* from unnest("#,
            $first, $(", ", $rest,)*
            r#") as e ("id", "at", "kind", "key_id", "owner", "config_id", "actor", "data") "#,
        )
    };
}

pub(super) use insert_events;

/// Adds the events in the arrays of the first eight placeholders, except those whose ids exist.
pub(super) const INSERT_EVENTS: &str =
    concat!(insert_events!("$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8"), r#"on conflict ("id") do nothing"#);

impl NewEvents {
    pub(super) fn of(events: &[Event]) -> Self {
        let mut new = Self::default();
        for event in events.iter().cloned() {
            let EventRow { id, at, kind, key_id, owner, config_id, actor, data, .. } = event.into_row();
            new.ids.push(id);
            new.instants.push(at.as_millis());
            new.kinds.push(kind);
            new.key_ids.push(key_id);
            new.owners.push(owner);
            new.config_ids.push(config_id);
            new.actors.push(actor);
            new.data.push(data);
        }
        new
    }

    /// Binds the eight arrays to the next placeholders of `query`.
    pub(super) fn bind(self, query: Query<'_, Postgres, PgArguments>) -> Query<'_, Postgres, PgArguments> {
        let Self { ids, instants, kinds, key_ids, owners, config_ids, actors, data } = self;
        query.bind(ids).bind(instants).bind(kinds).bind(key_ids).bind(owners).bind(config_ids).bind(actors).bind(data)
    }
}
