use keymint_domain::key::PlainKey;
use keymint_domain::verify::Attempt;
use keymint_domain::{Configuration, ErrorCode, Policy};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, config, id};
use crate::support::{code, insert_all, remaining, settle, settle_one};

/// Returns a policy of the default configuration, which hashes, and `raw`, which does not.
fn policy() -> Policy {
    let raw = Configuration { disable_key_hashing: true, ..Configuration::new(config("raw")) };
    Policy::new(vec![Configuration::default(), raw]).unwrap()
}

fn attempt(text: &str) -> Attempt {
    Attempt::new(&PlainKey::new(text), &policy())
}

pub async fn keys_are_found_in_the_form_of_their_configuration<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let raw = sample::key_with("raw", |details, _| {
        details.config_id = config("raw");
        details.stored = sample::plain("raw").unhashed();
    });
    insert_all(&store, &[sample::key("hashed"), raw]).await;
    let batch = ["sk_raw", "sk_hashed", "sk_raw", "sk_unknown"].map(attempt);
    let answers = settle(&store, &batch, &policy(), NOW).await;
    let found: Vec<_> = answers.iter().map(|verdict| verdict.accepted().map(|key| key.details.id.clone())).collect();
    assert_eq!(found, [Some(id("raw")), Some(id("hashed")), Some(id("raw")), None]);
}

pub async fn a_hash_that_leaked_is_not_a_key<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let hashed = sample::key_with_quota("hashed", 5);
    let raw_by_its_hash = sample::key_with("raw", |details, _| details.config_id = config("raw"));
    insert_all(&store, &[hashed.clone(), raw_by_its_hash]).await;
    let leaked = attempt(hashed.details.stored.as_str());
    let verdicts = settle(&store, &[leaked, attempt("sk_raw"), attempt("sk_hashed")], &policy(), NOW).await;
    let invalid = Some(ErrorCode::InvalidApiKey);
    assert_eq!(verdicts.iter().map(code).collect::<Vec<_>>(), [invalid, invalid, None]);
    assert_eq!(remaining(&store, "hashed").await, Some(4));
}

pub async fn one_text_may_be_a_key_in_both_forms<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let raw = sample::key_with("raw", |details, _| {
        details.config_id = config("raw");
        details.stored = sample::plain("both").unhashed();
    });
    let hashed = sample::key_with("a hashed one", |details, _| details.stored = sample::plain("both").hash());
    insert_all(&store, &[raw, hashed]).await;
    for answering in ["a hashed one", "raw"] {
        let verdict = settle_one(&store, &attempt("sk_both"), &policy(), NOW).await;
        assert_eq!(verdict.accepted().unwrap().details.id, id(answering));
        assert!(store.remove(&id(answering), &sample::UNRECORDED).await.unwrap());
    }
}

pub async fn an_attempt_reaches_only_keys_of_the_configuration_it_names<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let unknown = sample::key_with("unknown", |details, _| details.config_id = config("nobody configured it"));
    insert_all(&store, &[sample::key("key"), unknown]).await;
    let scoped = |id: &str, under: &str| {
        let mut attempt = sample::attempt(id);
        attempt.config_id = Some(config(under));
        attempt
    };
    let batch = [
        scoped("key", "default"),
        scoped("key", "raw"),
        scoped("unknown", "default"),
        scoped("unknown", "nobody configured it"),
        sample::attempt("unknown"),
    ];
    let verdicts = settle(&store, &batch, &policy(), NOW).await;
    let invalid = Some(ErrorCode::InvalidApiKey);
    assert_eq!(verdicts.iter().map(code).collect::<Vec<_>>(), [None, invalid, invalid, None, None]);
}
