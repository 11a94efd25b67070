//! Keys are recognized by the hashes that other programs made of their texts.

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::future::join_all;
use keymint_domain::key::{
    Encoding, Field, ForeignGroup, HashKind, ImportKey, ImportedCounters, ImportedSecret, NewKey, Pepper, PepperName,
    Peppers, PlainKey,
};
use keymint_domain::leak::{LeakOutcome, LeakResult, Reporter};
use keymint_domain::metering::{Step, Window};
use keymint_domain::verify::{Cost, Verdict};
use keymint_domain::{ApiKey, ConfigId, Configuration, ErrorCode, KeyId, OwnerId, Policy};
use keymint_ports::{FakeClock, ImportOutcome, KeyStore as _, MockKeyStore, SeededEntropy, StoreError, Unmetered};
use keymint_service::{Caller, CannotImport, FoundText, Keys, ServiceError, Source, Usage, UsageOptions, VerifyKey};
use keymint_store_memory::MemoryStore;

use crate::support::{Fixture, NOW, code_of};

const TEXT: &str = "sk_old_key_of_ada";

/// The hashes of [`TEXT`] by other programs: openssl, htpasswd (apache2-utils), argon2, and Python's hashlib.
const HASHES: [(HashKind, &str); 6] = [
    (
        HashKind::Sha512,
        "410e9602b17f7c65343691042e7fa5e32ab345f1d1feb3f2f6e710268fc5b210253517d58b3565e104b88b9ca94826eaecadc71c964778d57fe3\
         d5f05587a26e",
    ),
    (HashKind::HmacSha256, "ce23265985bb9ce789554e2f3e243c0b1651aa3d25aebdc88406563fdbf9b50c"),
    (HashKind::Bcrypt, "$2y$04$MBkxib1kMqo25pB7KoX8xeyKlP1Wzk6KdZphGghN68NXv1UN1n216"),
    (HashKind::Argon2id, "$argon2id$v=19$m=1024,t=2,p=1$c29tZXNhbHQ$tdWTsqmnb/yfJRfLB97bNR7kjAPnTE3IY6XACQrfaQ4"),
    (HashKind::Argon2id, "$argon2id$v=16$m=1024,t=2,p=1$c29tZXNhbHQ$YUtm9+mHIK/1k6HM5N88sTS8W7xwyZ4tcVaKx46vGeA"),
    (HashKind::Scrypt, "$scrypt$ln=10,r=8,p=1$c2FsdHNhbHQ$I3ZxsTeRN9VX6fuF4Yk+Qyl5K/aroNgYOhWAdfoRatI"),
];

fn pepper() -> PepperName {
    PepperName::parse("OLD_PEPPER").unwrap()
}

fn fixture(policy: Policy) -> Fixture {
    Fixture::with(policy, |builder| builder.peppers(Peppers::new(vec![Pepper::new(pepper(), "old pepper").unwrap()])))
}

fn secret(kind: HashKind, text: &str) -> ImportedSecret {
    let encoding = (!HashKind::SLOW.contains(&kind)).then_some(Encoding::Hex);
    ImportedSecret::parse(kind, encoding, Some(pepper()), text).unwrap()
}

/// Returns the key with this id and hash, and a quota.
fn with_hash(id: &str, kind: HashKind, text: &str, remaining: u64) -> ImportKey {
    ImportKey {
        new: NewKey { remaining: Field::Given(remaining), rate_limit_enabled: Some(false), ..NewKey::default() },
        id: KeyId::parse(id).ok(),
        owner: OwnerId::parse("ada").unwrap(),
        secret: secret(kind, text),
        start: Some("sk_old".to_owned()),
        enabled: true,
        revocation: None,
        expires_at: None,
        rate_limit_window_ms: Field::Absent,
        rate_limit_max: Field::Absent,
        permissions: Field::Absent,
        created_at: None,
        created_by: None,
        counters: ImportedCounters::default(),
    }
}

async fn import(keys: &Keys, key: ImportKey) {
    let key = keys.prepare_import(&ConfigId::default_id(), key, NOW).unwrap();
    assert_eq!(keys.import(&Caller::Server, &[key]).await.unwrap(), [ImportOutcome::Added]);
}

async fn verify(keys: &Keys, text: &str) -> Verdict {
    keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(text))).await.unwrap()
}

fn remaining(verdict: &Verdict) -> Option<u64> {
    verdict.accepted().and_then(|key| key.usage.remaining)
}

async fn row(fixture: &Fixture, id: &str) -> ApiKey {
    fixture.store.find(&KeyId::parse(id).unwrap()).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_first_use_of_every_kind_hashes_the_key_anew_and_the_next_one_is_ordinary() {
    for (kind, hash) in HASHES {
        let fixture = fixture(Policy::default());
        import(&fixture.keys, with_hash("a", kind, hash, 3)).await;
        for wrong in ["sk_old_key_of_bob", "sk_new_key_of_ada", "sk_old", "", hash] {
            assert_eq!(
                code_of(&verify(&fixture.keys, wrong).await),
                Some(ErrorCode::InvalidApiKey),
                "{kind:?} {wrong}"
            );
        }
        let stored = row(&fixture, "a").await.details.stored.clone();
        assert_eq!(code_of(&verify(&fixture.keys, stored.as_str()).await), Some(ErrorCode::InvalidApiKey));
        assert_eq!(remaining(&verify(&fixture.keys, TEXT).await), Some(2), "{kind:?}");
        let key = row(&fixture, "a").await;
        assert_eq!((&key.details.stored, &key.details.foreign), (&PlainKey::new(TEXT).hash(), &None));
        assert_eq!(fixture.store.foreign_groups().await.unwrap(), []);
        for left in [Some(1), Some(0), None] {
            assert_eq!(remaining(&verify(&fixture.keys, TEXT).await), left, "{kind:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_first_uses_are_all_judged_and_counted_exactly() {
    for (kind, hash) in HASHES {
        let fixture = fixture(Policy::default());
        import(&fixture.keys, with_hash("a", kind, hash, 5)).await;
        let uses = (0..8).map(|_| {
            let keys = Arc::clone(&fixture.keys);
            tokio::spawn(async move { verify(&keys, TEXT).await })
        });
        let verdicts: Vec<_> = join_all(uses).await.into_iter().map(Result::unwrap).collect();
        let accepted = verdicts.iter().filter(|verdict| verdict.accepted().is_some()).count();
        let exhausted = verdicts.iter().filter(|verdict| code_of(verdict) == Some(ErrorCode::UsageExceeded)).count();
        assert_eq!((accepted, exhausted), (5, 3), "{kind:?}");
        assert_eq!(row(&fixture, "a").await.usage.remaining, Some(0));
    }
}

#[tokio::test]
async fn a_look_and_a_dry_run_judge_the_key_and_leave_it_as_it_is() {
    for (kind, hash) in HASHES {
        let fixture = fixture(Policy::default());
        import(&fixture.keys, with_hash("a", kind, hash, 3)).await;
        let before = row(&fixture, "a").await;
        let request = || VerifyKey::of(PlainKey::new(TEXT));
        let look = fixture.keys.verify(&Caller::Server, VerifyKey { cost: Cost(0), ..request() }).await.unwrap();
        assert_eq!(remaining(&look), Some(3), "{kind:?}");
        let run = fixture.keys.dry_run(&Caller::Server, request()).await.unwrap();
        assert_eq!(remaining(&run.verdict), Some(2), "{kind:?}");
        let wrong = fixture.keys.dry_run(&Caller::Server, VerifyKey::of(PlainKey::new("sk_old_key"))).await.unwrap();
        assert_eq!(code_of(&wrong.verdict), Some(ErrorCode::InvalidApiKey));
        assert_eq!(row(&fixture, "a").await, before);
    }
}

#[tokio::test]
async fn a_wrong_text_makes_the_server_compute_so_many_hashes_of_a_key_and_no_more() {
    let fixture = fixture(Policy::default());
    let (kind, hash) = HASHES[2];
    import(&fixture.keys, with_hash("a", kind, hash, 3)).await;
    let wrong = |number| VerifyKey::of(PlainKey::new(format!("sk_old_key_{number}")));
    for number in 0..10 {
        let verdict = fixture.keys.verify(&Caller::Server, wrong(number)).await.unwrap();
        assert_eq!(code_of(&verdict), Some(ErrorCode::InvalidApiKey));
    }
    let refused = fixture.keys.verify(&Caller::Server, wrong(10)).await;
    assert!(matches!(refused, Err(ServiceError::Overloaded)), "{refused:?}");
    assert_eq!(code_of(&verify(&fixture.keys, "sk_other_text").await), Some(ErrorCode::InvalidApiKey));
}

#[tokio::test]
async fn bcrypt_says_nothing_of_a_text_that_it_has_not_read_whole() {
    let fixture = fixture(Policy::default());
    let (kind, hash) = HASHES[2];
    import(&fixture.keys, with_hash("a", kind, hash, 3)).await;
    let repeated = format!("{TEXT}\0{TEXT}");
    for text in [format!("{TEXT}\0"), repeated, format!("{TEXT}{}", "x".repeat(60))] {
        assert_eq!(code_of(&verify(&fixture.keys, &text).await), Some(ErrorCode::InvalidApiKey));
    }
}

#[tokio::test]
async fn unknown_keys_ask_the_store_at_most_once_a_second_while_there_are_no_foreign_hashes() {
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|attempts, policy, now| {
        Ok(attempts.iter().map(|attempt| Ok(keymint_domain::verify::decide(None, attempt, policy, now))).collect())
    });
    store.expect_foreign_groups().times(2).returning(|| Ok(Vec::new()));
    // The key that has made the service read the groups may have been hashed anew meanwhile.
    store.expect_find_foreign().times(2).returning(|_, _| Ok(Vec::new()));
    let clock = Arc::new(FakeClock::at(NOW));
    let keys = Keys::builder(Arc::new(store)).clock(Arc::clone(&clock) as _).build();
    for _ in 0..2 {
        for number in 0..20 {
            assert_eq!(code_of(&verify(&keys, &format!("sk_{number}")).await), Some(ErrorCode::InvalidApiKey));
        }
        clock.advance(1000);
    }
}

#[tokio::test]
async fn an_unknown_key_asks_the_store_once_where_there_are_foreign_hashes() {
    let mut store = MockKeyStore::new();
    store.expect_spend().times(20).returning(|attempts, policy, now| {
        Ok(attempts.iter().map(|attempt| Ok(keymint_domain::verify::decide(None, attempt, policy, now))).collect())
    });
    store.expect_foreign_groups().once().returning(|| Ok(vec![ForeignGroup::Sha512, ForeignGroup::Start(6)]));
    store.expect_find_foreign().times(20).returning(|lookups, forms| {
        assert_eq!((lookups.len(), forms.len()), (2, 1));
        Ok(Vec::new())
    });
    let keys = Keys::builder(Arc::new(store)).clock(Arc::new(FakeClock::at(NOW))).build();
    for number in 0..20 {
        assert_eq!(code_of(&verify(&keys, &format!("sk_other_{number}")).await), Some(ErrorCode::InvalidApiKey));
    }
}

#[tokio::test]
async fn a_store_that_fails_refuses_no_key() {
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|attempts, policy, now| {
        Ok(attempts.iter().map(|attempt| Ok(keymint_domain::verify::decide(None, attempt, policy, now))).collect())
    });
    store.expect_foreign_groups().returning(|| Err(StoreError::unavailable("gone")));
    let keys = Keys::builder(Arc::new(store)).build();
    for _ in 0..2 {
        let outcome = keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new("sk_other"))).await;
        assert!(matches!(outcome, Err(ServiceError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_unknown_key_is_counted_once_and_a_recognized_one_is_not_among_them() {
    let (clock, store) = (Arc::new(FakeClock::at(NOW)), Arc::new(MemoryStore::default()));
    let (entropy, options) = (SeededEntropy::new(1), UsageOptions::default());
    let usage = Arc::new(Usage::start(store, clock, &entropy, Arc::new(Unmetered), options));
    let fixture = Fixture::with(Policy::default(), |builder| builder.usage(Arc::clone(&usage)));
    import(&fixture.keys, with_hash("a", HASHES[0].0, HASHES[0].1, 3)).await;
    verify(&fixture.keys, TEXT).await.accepted().unwrap();
    verify(&fixture.keys, "sk_other").await;
    verify(&fixture.keys, "sk_another").await;
    usage.flush().await.unwrap();
    let today = Window::new(NOW, NOW.plus_millis(1), Step::Day).unwrap();
    let unknown = fixture.keys.read_unknown_usage(&Caller::Server, &today).await.unwrap().unwrap();
    assert_eq!(unknown.iter().map(|unknown| unknown.calls).sum::<u64>(), 2);
}

#[tokio::test]
async fn a_key_needs_its_pepper_and_a_configuration_that_hashes() {
    let fixture = Fixture::new(Policy::default());
    let key = with_hash("a", HASHES[1].0, HASHES[1].1, 3);
    let refused = fixture.keys.prepare_import(&ConfigId::default_id(), key.clone(), NOW);
    assert_eq!(refused, Err(CannotImport::Pepper(pepper())));
    let knowing = self::fixture(Policy::default());
    import(&knowing.keys, key).await;
    assert_eq!(knowing.keys.missing_peppers().await.unwrap(), []);
    let forgetful = Keys::builder(Arc::new(knowing.store.clone())).build();
    assert_eq!(forgetful.missing_peppers().await.unwrap(), [pepper()]);
    assert_eq!(code_of(&verify(&forgetful, TEXT).await), Some(ErrorCode::InvalidApiKey));
}

#[tokio::test]
async fn a_key_is_stored_as_its_configuration_says_when_it_is_recognized() {
    let (hashed, unhashed) =
        (Configuration::default(), Configuration { disable_key_hashing: true, ..Configuration::default() });
    let before = fixture(Policy::new(vec![hashed]).unwrap());
    import(&before.keys, with_hash("a", HASHES[0].0, HASHES[0].1, 3)).await;
    let after = Keys::builder(Arc::new(before.store.clone()))
        .policy(Policy::new(vec![unhashed]).unwrap())
        .slow_hashes_at_once(NonZeroUsize::MIN)
        .build();
    assert_eq!(remaining(&verify(&after, TEXT).await), Some(2));
    assert_eq!(row(&before, "a").await.details.stored.as_str(), TEXT);
}

async fn report(keys: &Keys, reporter: Reporter, texts: &[&str]) -> Result<Vec<LeakResult>, ServiceError> {
    let texts: Vec<_> = texts.iter().map(|text| FoundText::nowhere(PlainKey::new(*text))).collect();
    let outcomes = keys.report_leaks(reporter, &texts, &Source::default()).await?;
    Ok(outcomes.iter().map(LeakResult::of).collect())
}

#[tokio::test]
async fn a_leaked_key_is_recognized_by_its_hash_and_ends_before_its_first_use() {
    for (kind, hash) in HASHES {
        let fixture = fixture(Policy::default());
        import(&fixture.keys, with_hash("a", kind, hash, 3)).await;
        let texts = ["sk_old_key_of_bob", TEXT, hash, "sk_other"];
        let results = report(&fixture.keys, Reporter::Github, &texts).await.unwrap();
        let unknown = LeakResult::Unknown;
        assert_eq!(results, [unknown, LeakResult::Revoked, unknown, unknown], "{kind:?}");
        let key = row(&fixture, "a").await;
        assert_eq!((key.details.revocation.is_some(), key.usage.remaining), (true, Some(3)), "it is no use");
        assert_eq!(code_of(&verify(&fixture.keys, TEXT).await), Some(ErrorCode::KeyDisabled));
        // From now on the text itself is found.
        assert_eq!(report(&fixture.keys, Reporter::Holder, &[TEXT]).await.unwrap(), [LeakResult::Unchanged]);
        assert_eq!(fixture.store.foreign_groups().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_report_computes_only_so_many_slow_hashes_and_says_so() {
    let fixture = fixture(Policy::default());
    let (kind, hash) = HASHES[2];
    import(&fixture.keys, with_hash("a", kind, hash, 3)).await;
    let other = fixture.create(NewKey::default()).await;
    // Each begins as the key does.
    let alike: Vec<_> = (0..11).map(|number| format!("sk_old_{number}")).collect();
    let mut texts: Vec<_> = alike.iter().map(String::as_str).collect();
    texts.extend([TEXT, other.plain.expose()]);
    let refused = report(&fixture.keys, Reporter::Operator, &texts).await;
    assert!(matches!(refused, Err(ServiceError::Overloaded)), "ten a minute for one key: {refused:?}");
    assert_eq!(code_of(&fixture.verify(&other).await), Some(ErrorCode::KeyDisabled), "all others are applied");
    assert!(row(&fixture, "a").await.details.revocation.is_none());
}

#[tokio::test]
async fn a_report_of_a_thousand_texts_asks_the_store_once_for_all_foreign_hashes() {
    let mut store = MockKeyStore::new();
    store.expect_foreign_groups().once().returning(|| Ok(vec![ForeignGroup::Sha512, ForeignGroup::Start(6)]));
    store
        .expect_report_leaks()
        .once()
        .returning(|reports, _, _, _| Ok(reports.iter().map(|_| Ok(LeakOutcome::Unknown)).collect()));
    store.expect_find_foreign().once().returning(|lookups, forms| {
        // A digest for each, and the characters that all of them begin with.
        assert_eq!((lookups.len(), forms.len()), (1001, 1000));
        Ok(Vec::new())
    });
    let keys = Keys::builder(Arc::new(store)).build();
    let texts: Vec<_> = (0..1000).map(|number| format!("sk_other_{number}")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    assert_eq!(report(&keys, Reporter::Holder, &texts).await.unwrap(), [LeakResult::Unknown; 1000]);
}
