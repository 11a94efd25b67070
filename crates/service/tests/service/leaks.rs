//! Reports of leaked keys.

use std::num::NonZeroU32;

use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{EventQuery, SealedEvent};
use keymint_domain::key::{Actor, EditKey, Minted, NewKey, PlainKey};
use keymint_domain::leak::{LeakEffect, LeakOutcome, MAX_LEAKS, Reporter};
use keymint_domain::listing::Direction;
use keymint_domain::policy::LeakAction;
use keymint_domain::{Configuration, ErrorCode, Policy};
use keymint_ports::EventStore as _;
use keymint_service::{Caller, FoundText, Recorder, Source, UpdateKey};

use crate::support::{Fixture, code_of};

fn policy(on_leak: LeakAction) -> Policy {
    Policy::new(vec![Configuration { on_leak, ..Configuration::default() }]).unwrap()
}

fn recording(on_leak: LeakAction) -> Fixture {
    Fixture::with(policy(on_leak), |builder| builder.recorder(Recorder::on()))
}

fn found(text: &str) -> FoundText {
    let (source, url) = ("commit".to_owned(), format!("https://example.com/{text}"));
    FoundText { key: PlainKey::new(text), source, url }
}

fn leaked(minted: &Minted) -> FoundText {
    found(minted.plain.expose())
}

async fn report(fixture: &Fixture, found: &[FoundText]) -> Vec<LeakOutcome> {
    report_by(fixture, Reporter::Github, found).await
}

async fn report_by(fixture: &Fixture, reporter: Reporter, found: &[FoundText]) -> Vec<LeakOutcome> {
    let source = Source { client: "203.0.113.7".parse().ok(), ..Source::default() };
    let outcomes = fixture.keys.report_leaks(reporter, found, &source).await.unwrap();
    outcomes.into_iter().map(Result::unwrap).collect()
}

async fn events(fixture: &Fixture) -> Vec<SealedEvent> {
    while fixture.store.seal(&SealKey::new([7; 32]), 100).await.unwrap() > 0 {}
    let query = EventQuery { direction: Direction::Ascending, ..EventQuery::latest(1000) };
    let all = fixture.store.list_events(&query).await.unwrap();
    all.into_iter().filter(|event| event.row.kind != "keymint.key.created").collect()
}

#[tokio::test]
async fn a_reported_key_is_refused_at_the_next_use_also_where_usage_is_deferred() {
    for defer_usage in [false, true] {
        let configuration = Configuration { defer_usage, ..Configuration::default() };
        let fixture = Fixture::new(Policy::new(vec![configuration]).unwrap());
        let [reported, other] = [fixture.create(NewKey::default()).await, fixture.create(NewKey::default()).await];
        assert_eq!(code_of(&fixture.verify(&reported).await), None);
        let outcomes = report(&fixture, &[leaked(&reported), found("sk_unknown")]).await;
        assert_eq!(outcomes[0].keys()[0].effect, LeakEffect::Revoked);
        assert_eq!(outcomes[1], LeakOutcome::Unknown);
        assert_eq!(code_of(&fixture.verify(&reported).await), Some(ErrorCode::KeyDisabled));
        assert_eq!(code_of(&fixture.verify(&other).await), None);
        let key = fixture.keys.get(&Caller::Server, &reported.key.details.id, None).await.unwrap();
        assert_eq!(key.details.revocation.as_ref().unwrap().by, Actor::LeakReport);
    }
}

#[tokio::test]
async fn a_report_is_an_event_with_its_place_and_without_the_key() {
    let fixture = recording(LeakAction::Revoke);
    let minted = fixture.create(NewKey::default()).await;
    for _ in 0..2 {
        report(&fixture, &[leaked(&minted)]).await;
        fixture.clock.advance(5);
    }
    let events = events(&fixture).await;
    let kinds: Vec<_> = events.iter().map(|event| event.row.kind.as_str()).collect();
    assert_eq!(kinds, ["keymint.key.leaked", "keymint.key.revoked"]);
    let row = &events[0].row;
    assert_eq!((row.actor.as_str(), row.key_id.as_deref()), ("leak_report", Some(minted.key.details.id.as_str())));
    let expected = r#"{"secret":"in use","reporter":"github","action":"revoke","source":"commit","url":"https://example.com/[key]"}"#;
    assert_eq!(row.data, expected);
    assert!(row.personal.as_deref().unwrap().contains("203.0.113.7"));
}

#[tokio::test]
async fn a_key_that_is_restored_ends_again_when_it_is_reported_again() {
    let fixture = recording(LeakAction::Revoke);
    let minted = fixture.create(NewKey::default()).await;
    report(&fixture, &[leaked(&minted)]).await;
    let edit = EditKey { enabled: Some(true), ..EditKey::default() };
    let id = minted.key.details.id.clone();
    fixture.keys.update(&Caller::Server, UpdateKey { id, config_id: None, owner: None, edit }).await.unwrap();
    assert_eq!(code_of(&fixture.verify(&minted).await), None);
    fixture.clock.advance(5);
    assert_eq!(report(&fixture, &[leaked(&minted)]).await[0].keys()[0].effect, LeakEffect::Revoked);
    let kinds: Vec<_> = events(&fixture).await.into_iter().map(|event| event.row.kind).collect();
    let expected = ["leaked", "revoked", "restored", "revoked"].map(|kind| format!("keymint.key.{kind}"));
    assert_eq!(kinds, expected, "the report itself is known");
}

#[tokio::test]
async fn notice_alone_is_an_event_and_no_change() {
    let fixture = recording(LeakAction::Notify);
    let minted = fixture.create(NewKey::default()).await;
    let before = fixture.keys.get(&Caller::Server, &minted.key.details.id, None).await.unwrap();
    report_by(&fixture, Reporter::Holder, &[FoundText::nowhere(minted.plain.clone())]).await;
    report(&fixture, &[leaked(&minted), leaked(&minted)]).await;
    assert_eq!(fixture.keys.get(&Caller::Server, &minted.key.details.id, None).await.unwrap(), before);
    let data: Vec<_> = events(&fixture).await.into_iter().map(|event| event.row.data).collect();
    assert_eq!(data.len(), 2, "one for each who reported it: {data:?}");
    assert_eq!(data[0], r#"{"secret":"in use","reporter":"holder","action":"notify"}"#);
}

#[tokio::test]
async fn more_reports_than_one_call_of_the_store_takes_are_applied_in_portions() {
    let fixture = recording(LeakAction::EndAfter { hours: NonZeroU32::MIN });
    let minted = fixture.create(NewKey::default()).await;
    let mut texts: Vec<_> = (0..2 * MAX_LEAKS).map(|number| found(&number.to_string())).collect();
    texts.push(leaked(&minted));
    let outcomes = report(&fixture, &texts).await;
    assert_eq!(outcomes.len(), texts.len());
    assert!(matches!(outcomes.last().unwrap().keys()[0].effect, LeakEffect::Ends(_)));
    assert!(outcomes[..2 * MAX_LEAKS].iter().all(|outcome| *outcome == LeakOutcome::Unknown));
    assert!(format!("{texts:?}").chars().all(|character| !character.is_ascii_digit()), "nothing of them is shown");
}
