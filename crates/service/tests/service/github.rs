//! GitHub's public keys, by a source that does what a test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::join_all;
use keymint_domain::key::NewKey;
use keymint_domain::{ErrorCode, Policy};
use keymint_ports::{FakeClock, FetchFailure, FetchedKeys, GithubKey, GithubKeys};
use keymint_service::{FoundText, GithubReports, NotFromGithub, Source};
use tokio::sync::Notify;

use crate::support::{Fixture, NOW, code_of};

type Answer = Result<FetchedKeys, FetchFailure>;

/// Answers fetches from a list, the last answer again and again. A signature is the key's id and the message.
#[derive(Default)]
struct FakeGithub {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Option<String>>>,
    /// Each fetch waits for it.
    gate: Option<Notify>,
}

impl FakeGithub {
    fn answering(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    fn asked(&self) -> Vec<Option<String>> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl GithubKeys for FakeGithub {
    async fn fetch(&self, known: Option<Box<str>>) -> Answer {
        self.asked.lock().unwrap().push(known.map(String::from));
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    }

    fn verify(&self, key: &GithubKey, message: &[u8], signature: &[u8]) -> bool {
        signature == signed(&key.id, message)
    }
}

fn signed(key_id: &str, message: &[u8]) -> Vec<u8> {
    [key_id.as_bytes(), b":", message].concat()
}

#[expect(clippy::unnecessary_wraps, reason = "an answer as the others are")]
fn all(ids: &[&str], tag: &str) -> Answer {
    let keys = ids.iter().map(|id| GithubKey { id: (*id).into(), point: Box::default() }).collect();
    Ok(FetchedKeys::All { keys, tag: Some(tag.into()) })
}

fn reports(github: &Arc<FakeGithub>) -> (GithubReports, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::at(NOW));
    (GithubReports::new(Arc::clone(github) as _, Arc::clone(&clock) as _), clock)
}

async fn check(reports: &GithubReports, key_id: &str) -> Result<(), NotFromGithub> {
    reports.check(key_id, &signed(key_id, b"body"), b"body").await
}

#[tokio::test]
async fn a_report_is_githubs_if_a_listed_key_signed_it() {
    let github = FakeGithub::answering([all(&["a", "b"], "1")]);
    let (reports, _) = reports(&github);
    for key_id in ["a", "b", "a"] {
        assert_eq!(check(&reports, key_id).await, Ok(()));
    }
    assert_eq!(reports.check("a", &signed("b", b"body"), b"body").await, Err(NotFromGithub::WrongSignature));
    assert_eq!(reports.check("a", &signed("a", b"body"), b"other").await, Err(NotFromGithub::WrongSignature));
    assert_eq!(reports.check("a", b"", b"body").await, Err(NotFromGithub::WrongSignature));
    assert_eq!(github.asked(), [None], "the keys are kept");
}

#[tokio::test]
async fn an_unknown_key_is_fetched_at_most_once_a_minute() {
    let github = FakeGithub::answering([all(&["a"], "1"), Ok(FetchedKeys::Unchanged), all(&["b"], "2")]);
    let (reports, clock) = reports(&github);
    assert_eq!(check(&reports, "a").await, Ok(()));
    let flood = join_all((0..100).map(|number| {
        let reports = reports.clone();
        async move { check(&reports, &format!("unknown {number}")).await }
    }));
    assert!(flood.await.iter().all(|outcome| *outcome == Err(NotFromGithub::UnknownKey)));
    clock.advance(59_999);
    assert_eq!(check(&reports, "b").await, Err(NotFromGithub::UnknownKey));
    assert_eq!(github.asked().len(), 1);
    clock.advance(1);
    assert_eq!(check(&reports, "b").await, Err(NotFromGithub::UnknownKey));
    clock.advance(60_000);
    assert_eq!(check(&reports, "b").await, Ok(()), "the key was rotated in");
    let tag = |text: &str| Some(text.to_owned());
    assert_eq!(github.asked(), [None, tag("1"), tag("1")]);
    assert_eq!(check(&reports, "a").await, Err(NotFromGithub::UnknownKey), "it was rotated out");
}

#[tokio::test]
async fn keys_stay_while_github_is_down_and_a_report_by_another_one_may_come_again() {
    let down = Err(FetchFailure::Status(503));
    let github = FakeGithub::answering([all(&["a"], "1"), down.clone(), down, all(&["b"], "2")]);
    let (reports, clock) = reports(&github);
    assert_eq!(check(&reports, "a").await, Ok(()));
    clock.advance(3_600_000);
    assert_eq!(check(&reports, "a").await, Ok(()), "it could not be confirmed");
    assert_eq!(check(&reports, "b").await, Err(NotFromGithub::NoKeys(FetchFailure::Status(503))));
    assert_eq!(github.asked().len(), 2);
    clock.advance(60_000);
    assert_eq!(check(&reports, "a").await, Ok(()));
    clock.advance(60_000);
    assert_eq!(check(&reports, "a").await, Err(NotFromGithub::UnknownKey), "it was withdrawn");
    assert_eq!(check(&reports, "b").await, Ok(()));
    assert_eq!(github.asked().len(), 4);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_end_the_fetches() {
    let github = FakeGithub::answering([Err(FetchFailure::TimedOut), all(&["a"], "1")]);
    let clock = Arc::new(FakeClock::at(NOW.plus_millis(86_400_000)));
    let reports = GithubReports::new(Arc::clone(&github) as _, Arc::clone(&clock) as _);
    assert_eq!(check(&reports, "a").await, Err(NotFromGithub::NoKeys(FetchFailure::TimedOut)));
    clock.set(NOW);
    assert_eq!(check(&reports, "a").await, Ok(()));
}

#[tokio::test]
async fn callers_share_one_fetch_and_one_who_leaves_does_not_end_it() {
    let github = Arc::new(FakeGithub {
        answers: Mutex::new([all(&["a"], "1")].into()),
        gate: Some(Notify::new()),
        ..FakeGithub::default()
    });
    let (reports, _) = reports(&github);
    let first = tokio::spawn({
        let reports = reports.clone();
        async move { check(&reports, "a").await }
    });
    while github.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    first.abort();
    let others = join_all((0..10).map(|_| check(&reports, "a")));
    github.gate.as_ref().unwrap().notify_one();
    assert!(others.await.iter().all(Result::is_ok));
    assert_eq!(github.asked().len(), 1);
}

#[tokio::test]
async fn a_report_tells_for_each_text_whether_it_is_a_key() {
    let fixture = Fixture::new(Policy::default());
    let minted = fixture.create(NewKey::default()).await;
    let (reports, _) = reports(&FakeGithub::answering([all(&["a"], "1")]));
    let unknown = || FoundText::nowhere(keymint_domain::key::PlainKey::new("unknown"));
    let texts = [unknown(), FoundText::nowhere(minted.plain.clone()), unknown()];
    for _ in 0..2 {
        let known = reports.apply(&fixture.keys, &texts, &Source::default()).await.unwrap();
        assert_eq!(known, [false, true, false]);
    }
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::KeyDisabled));
}
