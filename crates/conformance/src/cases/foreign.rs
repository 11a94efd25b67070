use std::sync::Arc;

use keymint_domain::key::{
    ForeignGroup, ForeignHash, ForeignLookup, NewSecret, PepperName, Peppers, PlainKey, RotationChange,
    RotationRefused, StoredKey,
};
use keymint_domain::verify::Attempt;
use keymint_domain::{ApiKey, KeyDetails, Policy};
use keymint_ports::{ImportOutcome, KeyStore};

use super::rotation;
use crate::Engine;
use crate::sample::{self, NOW, UNRECORDED, id};
use crate::support::{accepted, at_once, everything, found, ids, open_two, settle, spend};

use ImportOutcome::{Added, OtherStart, SameId, SameSecret, TooManyAlike};

const BCRYPT: &str = "$2b$12$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s";

#[expect(clippy::unnecessary_box_returns, reason = "as the member has it")]
fn foreign(stored: &str) -> Box<ForeignHash> {
    Box::new(ForeignHash::from_stored(stored).unwrap())
}

fn sha512_of(id: &str) -> ForeignLookup {
    ForeignGroup::Sha512.lookup(&sample::plain(id), &Peppers::default()).unwrap()
}

fn start_of(id: &str, length: u8) -> ForeignLookup {
    ForeignGroup::Start(length).lookup(&sample::plain(id), &Peppers::default()).unwrap()
}

/// Returns the key of a row: nobody knows the text that it is stored under.
fn key_with(id: &str, start: Option<&str>, stored: &str) -> ApiKey {
    sample::key_with(id, |details, usage| {
        details.stored = sample::plain(&format!("random text of {id} {stored}")).hash();
        details.start = start.map(str::to_owned);
        details.foreign = Some(foreign(stored));
        usage.remaining = Some(3);
    })
}

/// Returns the key with the SHA-512 of the sample key's text.
fn by_sha512(id: &str) -> ApiKey {
    key_with(id, None, sha512_of(id).as_str())
}

/// Returns a key with a hash by bcrypt, which the last character tells from others.
fn by_bcrypt(id: &str, start: &str, last: char) -> ApiKey {
    key_with(id, Some(start), &format!("{BCRYPT}{last}"))
}

fn without_hash(key: &ApiKey, stored: &StoredKey) -> ApiKey {
    let mut key = key.clone();
    let details = Arc::make_mut(&mut key.details);
    details.stored = stored.clone();
    details.foreign = None;
    key
}

async fn import(store: &impl KeyStore, keys: &[ApiKey]) -> Vec<ImportOutcome> {
    store.import(keys, &UNRECORDED).await.unwrap()
}

pub async fn a_key_with_a_foreign_hash_is_found_by_its_lookup_and_no_other_text<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    assert_eq!(store.foreign_groups().await.unwrap(), []);
    let hmac = "hmac-sha256:OLD_1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let keys = [
        by_sha512("a"),
        by_sha512("b"),
        by_bcrypt("c", "sk_c;x", '.'),
        by_bcrypt("d", "sk_c;x", 'O'),
        key_with("e", None, hmac),
        key_with("f", None, &hmac.replace("OLD_1", "OLD")),
    ];
    assert_eq!(import(&*store, &keys).await, [Added, Added, Added, Added, Added, Added]);
    store.insert(&sample::key("g"), None, &UNRECORDED).await.unwrap();
    let pepper = |name| ForeignGroup::HmacSha256(PepperName::parse(name).unwrap());
    let mut groups = other.foreign_groups().await.unwrap();
    groups.sort();
    assert_eq!(groups, [ForeignGroup::Sha512, pepper("OLD"), pepper("OLD_1"), ForeignGroup::Start(6)]);
    let find = async |lookups: &[ForeignLookup], forms: &[StoredKey]| {
        ids(&other.find_foreign(lookups, forms).await.unwrap()).join(" ")
    };
    assert_eq!(find(&[sha512_of("b")], &[]).await, "b");
    assert_eq!(find(&[start_of("c;xyz", 6), sha512_of("a")], &[]).await, "a c d");
    assert_eq!(find(&[start_of("c;Xyz", 6), sha512_of("c")], &[]).await, "");
    assert_eq!(find(&[sha512_of("a")], &[sample::plain("g").hash()]).await, "a g");
    assert_eq!(find(&[], &[sample::plain("h").hash()]).await, "");
    assert_eq!(other.find_foreign(&[sha512_of("a")], &[]).await.unwrap(), [keys[0].clone()]);
    let hash = sha512_of("a").as_str().to_owned();
    let attempts = [&*hash, &hash["sha512:".len()..], "sk_a", keys[0].details.stored.as_str()];
    let attempts = attempts.map(|text| Attempt::new(&PlainKey::new(text), &Policy::default()));
    assert_eq!(accepted(&settle(&*store, &attempts, &Policy::default(), NOW).await), 0);
}

pub async fn a_key_is_hashed_anew_once_and_found_by_its_new_hash_alone<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let (key, new) = (by_sha512("a"), sample::plain("a").hash());
    import(&*store, &[key.clone(), by_sha512("b")]).await;
    // A handle may remember the row under the text that it was stored under.
    let by_row = sample::attempt("a").recognized_as(&key.details);
    assert_eq!(accepted(&settle(&*store, std::slice::from_ref(&by_row), &Policy::default(), NOW).await), 1);
    let handles = [Arc::clone(&store), Arc::clone(&other)];
    let rehashes = (0..8_usize).map(|turn| {
        let (store, key, new) = (Arc::clone(&handles[turn % 2]), key.clone(), new.clone());
        async move { store.rehash(&key, &new).await.unwrap() }
    });
    assert_eq!(at_once(rehashes).await.into_iter().filter(|is_done| *is_done).count(), 1);
    assert!(!store.rehash(&key, &sample::plain("else").hash()).await.unwrap());
    for handle in [&store, &other] {
        assert_eq!(accepted(&[spend(&**handle, "a", NOW).await]), 1);
        assert_eq!(accepted(&settle(&**handle, std::slice::from_ref(&by_row), &Policy::default(), NOW).await), 0);
        assert_eq!(handle.find_foreign(&[sha512_of("a")], &[]).await.unwrap(), []);
    }
    let found = store.find_foreign(&[], std::slice::from_ref(&new)).await.unwrap();
    let mut expected = without_hash(&key, &new);
    expected.usage = found[0].usage;
    assert_eq!((found, expected.usage.remaining), (vec![expected], Some(0)));
    assert_eq!(store.foreign_groups().await.unwrap(), [ForeignGroup::Sha512], "that of b");
    let unknown = by_sha512("z");
    assert!(!store.rehash(&unknown, &new).await.unwrap());
    assert!(!store.rehash(&sample::key("a"), &new).await.unwrap(), "it has no foreign hash");
}

pub async fn a_foreign_hash_is_recognized_before_and_after_its_key_was_hashed_anew<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let keys = [by_sha512("a"), by_bcrypt("b", "sk_b", '.')];
    import(&*store, &keys).await;
    // The same lines again: under other random texts, with and without their ids.
    let again = |id: &str, key: &ApiKey| {
        key_with(id, key.details.start.as_deref(), key.details.foreign.as_ref().unwrap().as_stored())
    };
    let lines = [again("a", &keys[0]), again("n", &keys[0]), again("b", &keys[1]), again("m", &keys[1])];
    let expected = [SameSecret(id("a")), SameSecret(id("a")), SameSecret(id("b")), SameSecret(id("b"))];
    assert_eq!(import(&*other, &lines).await, expected);
    for key in &keys {
        assert!(store.rehash(key, &sample::plain(key.details.id.as_str()).hash()).await.unwrap());
    }
    assert_eq!(store.foreign_groups().await.unwrap(), []);
    assert_eq!(other.preview_import(&lines).await.unwrap(), expected);
    assert_eq!(import(&*other, &lines).await, expected);
    assert_eq!(ids(&everything(&*other).await), ["a", "b"]);
    let others = [by_sha512("c"), key_with("a", None, sha512_of("d").as_str()), sample::key("a")];
    let expected = [Added, SameId, SameSecret(id("a"))];
    assert_eq!(import(&*store, &others).await, expected, "a key that was hashed anew is an ordinary one");
    assert!(store.remove(&id("a"), &UNRECORDED).await.unwrap());
    assert_eq!(import(&*store, &[again("n", &keys[0])]).await, [Added]);
}

pub async fn slow_hashes_are_found_by_starts_of_one_length_that_few_share<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let alike = ["C", "G", "K", "O"].map(|last| by_bcrypt(last, "sk_ab", last.chars().next().unwrap()));
    assert_eq!(import(&*store, &alike[..3]).await, [Added, Added, Added]);
    let fifth = by_bcrypt("S", "sk_ab", 'S');
    let portion = [alike[3].clone(), fifth.clone(), by_bcrypt("6", "sk_abc", '.'), by_bcrypt("7", "sk_ac", '.')];
    let expected = [Added, TooManyAlike, OtherStart(5), Added];
    assert_eq!(other.preview_import(&portion).await.unwrap(), expected);
    assert_eq!(import(&*other, &portion).await, expected);
    assert_eq!(ids(&store.find_foreign(&[start_of("abc", 5)], &[]).await.unwrap()), ["C", "G", "K", "O"]);
    assert!(store.rehash(&alike[0], &sample::plain("C").hash()).await.unwrap());
    assert_eq!(import(&*store, &[fifth]).await, [Added], "one of the others has been used");
}

pub async fn a_rotation_at_once_ends_the_foreign_hash_by_which_imports_still_know_the_key<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = by_sha512("key");
    assert_eq!(import(&*store, std::slice::from_ref(&key)).await, [Added]);
    let waiting = rotation::new_secret(1);
    let at_once = NewSecret { wait: None, ..waiting.clone() };
    let rotate = async |new| {
        let change = RotationChange::Begin(new);
        other.rotate(&id("key"), &change, NOW, &UNRECORDED).await.unwrap().unwrap()
    };
    assert_eq!(rotate(waiting).await, Err(RotationRefused::Foreign));
    assert_eq!(found(&*store, &id("key")).await, key);
    let rotated = rotate(at_once).await.unwrap().key;
    for handle in [&store, &other] {
        assert_eq!(found(&**handle, &id("key")).await.details, rotated.details);
        assert!(rotated.details.foreign.is_none());
        assert_eq!(handle.foreign_groups().await.unwrap(), []);
        assert_eq!(handle.find_foreign(&[sha512_of("key")], &[]).await.unwrap(), []);
        let used = settle(&**handle, &[rotation::new_attempt(1)], &Policy::default(), NOW).await;
        assert_eq!(accepted(&used), 1);
    }
    assert!(!store.rehash(&key, &sample::plain("key").hash()).await.unwrap(), "a first use comes too late");
    let again = ApiKey { details: Arc::new(KeyDetails { id: id("other"), ..(*key.details).clone() }), ..key };
    assert_eq!(import(&*store, &[again]).await, [SameSecret(id("key"))]);
}
