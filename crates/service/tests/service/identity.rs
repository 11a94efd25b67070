//! Signing up, in and out, and the use of sessions.

use std::sync::Arc;

use keymint_domain::ErrorCode;
use keymint_domain::identity::{Client, Password, SessionToken};
use keymint_domain::verify::Ban;
use keymint_domain::{Policy, Timestamp};
use keymint_ports::{Clock, Credential, Entropy, FakeClock, IdentityStore, MockIdentityStore, SeededEntropy};
use keymint_service::{Identity, IdentityOptions, ServiceError, SignIn, Source};

use crate::support::{Fixture, NOW, refusal, sign_up};

const DAY_MS: u64 = 86_400_000;

fn sign_in(email: &str, password: &str) -> SignIn {
    SignIn { email: email.to_owned(), password: Password::new(password), remember: true }
}

fn with_store(store: impl IdentityStore, options: IdentityOptions) -> Identity {
    let clock = Arc::new(FakeClock::at(NOW)) as Arc<dyn Clock>;
    let entropy = Arc::new(SeededEntropy::new(7)) as Arc<dyn Entropy>;
    Identity::new(Arc::new(store)).with_options(options).with_clock(clock).with_entropy(entropy)
}

#[tokio::test]
async fn who_signed_up_signs_in_by_the_address_in_any_case() {
    let fixture = Fixture::new(Policy::default());
    let ada = fixture.sign_up("ada").await;
    for email in ["ada@example.com", "ADA@Example.COM"] {
        let again =
            fixture.identity.sign_in(sign_in(email, "password"), Client::default(), &Source::default()).await.unwrap();
        assert_eq!(again.user, ada.user);
        assert_ne!(again.session.token, ada.session.token);
    }
}

#[tokio::test]
async fn wrong_passwords_and_unknown_addresses_are_told_the_same() {
    let fixture = Fixture::new(Policy::default());
    fixture.sign_up("ada").await;
    for (email, password, code) in [
        ("ada@example.com", "Password", ErrorCode::InvalidEmailOrPassword),
        ("ada@example.com", "", ErrorCode::InvalidEmailOrPassword),
        ("bob@example.com", "password", ErrorCode::InvalidEmailOrPassword),
        ("ada", "password", ErrorCode::InvalidEmail),
    ] {
        let refused = fixture.identity.sign_in(sign_in(email, password), Client::default(), &Source::default()).await;
        assert_eq!(refusal(refused), code, "{email} {password}");
    }
    let long = sign_in("ada@example.com", &"p".repeat(129));
    assert_eq!(
        refusal(fixture.identity.sign_in(long, Client::default(), &Source::default()).await),
        ErrorCode::PasswordTooLong
    );
}

#[tokio::test]
async fn an_address_belongs_to_one_user() {
    let fixture = Fixture::new(Policy::default());
    fixture.sign_up("ada").await;
    let again =
        fixture.identity.sign_up(sign_up("ada", "another password"), Client::default(), true, &Source::default()).await;
    assert_eq!(refusal(again), ErrorCode::UserAlreadyExists);
    let short = fixture.identity.sign_up(sign_up("ada", "short"), Client::default(), true, &Source::default()).await;
    assert_eq!(refusal(short), ErrorCode::PasswordTooShort, "the password is looked at first");
}

#[tokio::test]
async fn what_is_switched_off_is_refused() {
    for (options, up, into) in [
        (
            IdentityOptions { email_and_password: false, ..IdentityOptions::default() },
            ErrorCode::EmailPasswordSignUpDisabled,
            ErrorCode::EmailPasswordDisabled,
        ),
        (
            IdentityOptions { sign_up: false, ..IdentityOptions::default() },
            ErrorCode::EmailPasswordSignUpDisabled,
            ErrorCode::InvalidEmailOrPassword,
        ),
    ] {
        let identity = with_store(keymint_store_memory::MemoryStore::default(), options);
        let signed_up = identity.sign_up(sign_up("ada", "password"), Client::default(), true, &Source::default()).await;
        assert_eq!(refusal(signed_up), up);
        let signed_in =
            identity.sign_in(sign_in("ada@example.com", "password"), Client::default(), &Source::default()).await;
        assert_eq!(refusal(signed_in), into);
    }
}

#[tokio::test]
async fn a_session_is_refreshed_once_a_day_and_ends_a_week_after() {
    let fixture = Fixture::new(Policy::default());
    let token = fixture.sign_up("ada").await.session.token;
    let session = async |may_refresh| fixture.identity.session(&token, may_refresh).await.unwrap();
    assert!(!session(true).await.unwrap().refreshed);
    fixture.clock.advance(DAY_MS);
    assert!(!session(false).await.unwrap().refreshed, "it was asked not to");
    let refreshed = session(true).await.unwrap();
    assert!(refreshed.refreshed);
    assert_eq!(refreshed.signed_in.session.expires_at, NOW.plus_millis(8 * DAY_MS));
    assert!(!session(true).await.unwrap().refreshed, "once");
    fixture.clock.set(NOW.plus_millis(8 * DAY_MS));
    assert!(session(false).await.is_some(), "the last instant counts");
    fixture.clock.advance(1);
    assert_eq!(session(true).await, None);
    fixture.clock.set(NOW);
    assert_eq!(session(true).await, None, "what has ended was removed");
}

#[tokio::test]
async fn who_signed_out_is_nobody() {
    let fixture = Fixture::new(Policy::default());
    let token = fixture.sign_up("ada").await.session.token;
    fixture.identity.sign_out(&token, &Source::default()).await.unwrap();
    assert_eq!(fixture.identity.session(&token, true).await.unwrap(), None);
    fixture.identity.sign_out(&token, &Source::default()).await.unwrap();
    assert_eq!(fixture.identity.session(&SessionToken::new(""), true).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_that_vanishes_while_it_is_refreshed_is_refused() {
    let fixture = Fixture::new(Policy::default());
    let mut ada = fixture.sign_up("ada").await;
    ada.session.expires_at = NOW.plus_millis(1);
    let token = ada.session.token.clone();
    let mut store = MockIdentityStore::new();
    store.expect_find_session().return_once(move |_| Ok(Some((ada.session, ada.user))));
    store.expect_refresh_session().return_once(|_, _, _| Ok(false));
    let identity = with_store(store, IdentityOptions::default());
    assert_eq!(refusal(identity.session(&token, true).await), ErrorCode::FailedToGetSession);
}

#[tokio::test]
async fn a_banned_user_is_told_so_once_the_password_is_right() {
    let fixture = Fixture::new(Policy::default());
    let ada = fixture.sign_up("ada").await.user;
    for (until, answer) in [
        (None, Some(ErrorCode::BannedUser)),
        (Some(NOW.plus_millis(1)), Some(ErrorCode::BannedUser)),
        (Some(NOW), None),
    ] {
        let mut found = fixture.find_credential(&ada).await;
        found.user.ban = Some(Ban { until });
        let mut store = MockIdentityStore::new();
        store.expect_find_credential().returning(move |_| Ok(Some(found.clone())));
        store.expect_insert_session().returning(|_, _| Ok(true));
        let identity = with_store(store, IdentityOptions::default());
        let wrong = identity.sign_in(sign_in("ada@example.com", "wrong"), Client::default(), &Source::default()).await;
        assert_eq!(refusal(wrong), ErrorCode::InvalidEmailOrPassword);
        let right =
            identity.sign_in(sign_in("ada@example.com", "password"), Client::default(), &Source::default()).await;
        match answer {
            Some(code) => assert_eq!(refusal(right), code),
            None => assert!(right.is_ok()),
        }
    }
}

#[tokio::test]
async fn a_user_without_a_password_cannot_sign_in_by_one() {
    let fixture = Fixture::new(Policy::default());
    let ada = fixture.sign_up("ada").await.user;
    let found = Credential { password_hash: None, ..fixture.find_credential(&ada).await };
    let mut store = MockIdentityStore::new();
    store.expect_find_credential().return_once(move |_| Ok(Some(found)));
    let identity = with_store(store, IdentityOptions::default());
    let refused = identity.sign_in(sign_in("ada@example.com", ""), Client::default(), &Source::default()).await;
    assert_eq!(refusal(refused), ErrorCode::InvalidEmailOrPassword);
}

#[tokio::test]
async fn more_passwords_than_may_wait_are_turned_away() {
    let fixture = Fixture::new(Policy::default());
    let source = Source::default();
    let attempts =
        (0..100).map(|_| fixture.identity.sign_in(sign_in("ada@example.com", "password"), Client::default(), &source));
    let answers = futures_util::future::join_all(attempts).await;
    let turned_away = answers.iter().filter(|answer| matches!(answer, Err(ServiceError::Overloaded))).count();
    assert_eq!(turned_away, 100 - 65, "one works, 64 wait");
}

#[tokio::test]
async fn the_secret_is_kept_once() {
    let fixture = Fixture::new(Policy::default());
    assert_eq!(fixture.identity.keep_secret("first").await.unwrap(), "first");
    assert_eq!(fixture.identity.keep_secret("second").await.unwrap(), "first");
    assert_eq!(fixture.identity.now(), Timestamp::from_millis(NOW.as_millis()));
}
