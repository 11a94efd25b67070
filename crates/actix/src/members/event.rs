use keymint_domain::event::{Actor, KindPattern};

use super::{Member, schema};

/// Kinds, or beginnings of kinds with a `*`, separated by commas.
const KINDS: &str = r"^([a-z0-9._]{0,63}\*|[a-z0-9._]{1,64})(,([a-z0-9._]{0,63}\*|[a-z0-9._]{1,64}))*$";

impl Member<'_, '_> {
    /// Reads kinds of events, separated by commas.
    pub(crate) fn kinds(mut self) -> Option<Vec<KindPattern>> {
        self.state(|_| schema::text().pattern(Some(KINDS)));
        let text = self.read_text();
        self.parsed(text, |text| {
            text.split(',')
                .map(KindPattern::parse)
                .collect::<Result<_, _>>()
                .map_err(|error| format!("Invalid kind: {error}"))
        })
    }

    /// Reads the actor of an event.
    pub(crate) fn actor(mut self) -> Option<Actor> {
        self.state(|_| schema::text());
        let text = self.read_text();
        self.parsed(text, |text| Actor::parse(&text).map_err(|error| format!("Invalid actor: {error}")))
    }
}
