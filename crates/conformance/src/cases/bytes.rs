use keymint_domain::Policy;
use keymint_domain::key::{EditKey, PlainKey, StoredKey};
use keymint_domain::listing::ListQuery;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::value::KeyName;
use keymint_domain::verify::Attempt;
use keymint_ports::{KeyStore, StoreError};

use crate::Engine;
use crate::sample::{self, NOW, config, id, owner};
use crate::support::{everything, found, ids, insert_all, settle};
use crate::texts::ALIKE;

pub async fn ids_are_compared_by_bytes<E: Engine>(engine: &E) {
    let store = engine.open().await;
    insert_all(&store, &ALIKE.map(sample::key)).await;
    for text in ALIKE {
        let again = store.insert(&sample::key(text), None, &sample::UNRECORDED).await;
        assert!(matches!(again, Err(StoreError::Duplicate)), "{text:?}");
    }
    for text in ALIKE {
        let name = KeyName::parse(format!("the one of {text:?}")).unwrap();
        let patch = sample::patch(EditKey { name: Some(name), ..EditKey::default() });
        store.update(&id(text), &patch, NOW, &sample::UNRECORDED).await.unwrap().unwrap();
    }
    for (removed, text) in ALIKE.into_iter().enumerate() {
        assert_eq!(found(&store, &id(text)).await.details.name, Some(format!("the one of {text:?}")));
        assert!(store.remove(&id(text), &sample::UNRECORDED).await.unwrap());
        assert_eq!(store.find(&id(text)).await.unwrap(), None);
        assert_eq!(everything(&store).await.len(), ALIKE.len() - removed - 1);
    }
}

pub async fn stored_texts_are_compared_by_bytes<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let policy = sample::policy_with(|configuration| configuration.disable_key_hashing = true);
    let keys = ALIKE.map(|text| sample::key_with(text, |details, _| details.stored = StoredKey::from_stored(text)));
    insert_all(&store, &keys).await;
    let attempts = ALIKE.map(|text| Attempt::new(&PlainKey::new(text), &policy));
    let verdicts = settle(&store, &attempts, &policy, NOW).await;
    let answered = verdicts.iter().map(|verdict| verdict.accepted().unwrap().details.id.as_str());
    assert_eq!(answered.collect::<Vec<_>>(), ALIKE);
    let unknown = Attempt::new(&PlainKey::new("\u{c1}"), &policy);
    assert!(settle(&store, &[unknown], &policy, NOW).await[0].refused().is_some());
}

pub async fn hashes_are_compared_by_bytes<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let swap_case = |text: &str| {
        let swap = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        text.chars().map(swap).collect::<String>()
    };
    let twin = sample::key_with("a twin in another case", |details, _| {
        details.stored = StoredKey::from_stored(swap_case(sample::plain("key").hash().as_str()));
    });
    insert_all(&store, &[twin, sample::key("key")]).await;
    let verdicts = settle(&store, &[sample::attempt("key")], &Policy::default(), NOW).await;
    assert_eq!(verdicts[0].accepted().unwrap().details.id, id("key"));
}

pub async fn owners_and_configurations_are_compared_by_bytes<E: Engine>(engine: &E) {
    let store = engine.open().await;
    for text in ALIKE {
        let key = sample::key_with(text, |details, _| {
            details.owner = owner(text);
            details.config_id = config(text);
        });
        // The others' keys would fill the owner if a store took them for the owner's.
        store.insert(&key, std::num::NonZeroU32::new(1), &sample::UNRECORDED).await.unwrap();
    }
    for text in ALIKE {
        let queries = [
            ListQuery { owner: Some(owner(text)), ..ListQuery::default() },
            ListQuery { configurations: ConfigFilter::AnyOf(vec![config(text)]), ..ListQuery::default() },
        ];
        for query in queries {
            let page = store.list(&query).await.unwrap();
            assert_eq!((ids(&page.keys), page.total.at_least()), (vec![text], 1));
        }
        let others = ListQuery { configurations: ConfigFilter::NoneOf(vec![config(text)]), ..ListQuery::default() };
        assert_eq!(store.list(&others).await.unwrap().total.at_least(), ALIKE.len() as u64 - 1, "{text:?}");
    }
}
