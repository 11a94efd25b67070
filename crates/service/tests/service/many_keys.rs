//! Changes of many keys, a portion at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{EventKind, EventQuery};
use keymint_domain::key::NewKey;
use keymint_domain::{Policy, Timestamp};
use keymint_ports::{Clock, EventStore as _, FakeClock};
use keymint_service::{Audit, Caller, Recorder};

use crate::support::{Fixture, NOW, revocation_of};

/// A clock that goes on by a millisecond whenever it is asked.
struct Ticking(FakeClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.advance(1);
        self.0.now()
    }
}

#[tokio::test]
async fn each_portion_has_the_instant_of_its_events_and_the_keys_have_that_of_the_request() {
    const KEYS: u32 = 300;
    let clock: Arc<dyn Clock> = Arc::new(Ticking(FakeClock::at(NOW)));
    let fixture = Fixture::with(Policy::default(), |builder| builder.recorder(Recorder::on()).clock(clock));
    for _ in 0..KEYS {
        fixture.create(NewKey::default()).await;
    }
    let outcome = fixture.keys.change_many(&Caller::Server, revocation_of("ada")).await.unwrap();
    assert_eq!(outcome.changed, u64::from(KEYS));
    Audit::new(Arc::new(fixture.store.clone()), SealKey::new([1; 32])).seal().await.unwrap();
    let events = fixture.store.list_events(&EventQuery::behind(0, 2 * KEYS)).await.unwrap();
    let revoked: Vec<_> =
        events.iter().map(|event| &event.row).filter(|row| row.kind == EventKind::KeyRevoked.as_str()).collect();
    assert_eq!(revoked.len(), KEYS as usize);
    assert!(revoked.iter().map(|row| row.at).collect::<BTreeSet<_>>().len() > 1, "it took several portions");
    assert!(revoked.is_sorted_by_key(|row| row.at));
    let times = revoked.iter().map(|row| row.details()["new"]["revokedAt"].to_string());
    assert_eq!(times.collect::<BTreeSet<_>>().len(), 1);
}
