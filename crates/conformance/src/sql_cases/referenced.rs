//! Keys to which rows of an application's own tables refer: they stay, are named, and keep nothing else.

use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_ports::{KeyStore, Removed, StoreError};

use crate::SqlEngine;
use crate::sample::{self, NOW};

pub async fn a_key_to_which_a_row_refers_stays_and_the_others_go<E: SqlEngine>(engine: &E) {
    for keeper in engine.specimens().keepers {
        let engine = engine.another().await;
        let store = engine.open().await;
        for (id, millis) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
            let expires_at = Some(NOW.plus_millis(millis));
            store
                .insert(&sample::key_with(id, |details, _| details.expires_at = expires_at), None, &sample::UNRECORDED)
                .await
                .unwrap();
        }
        for id in ["e", "f", "g"] {
            store.insert(&sample::key_with_quota(id, 0), None, &sample::UNRECORDED).await.unwrap();
        }
        engine.execute(keeper).await;
        engine.execute(r#"insert into "invoice" values ('b'), ('c'), ('e'), ('g')"#).await;

        assert!(
            matches!(store.remove(&sample::id("g"), &sample::UNRECORDED).await, Err(StoreError::Referenced)),
            "{keeper}"
        );
        let later = NOW.plus_millis(10);
        let remove = |skip, limit| store.remove_expired(&ConfigFilter::Any, later, skip, limit, &sample::UNRECORDED);
        let kept = |ids: &[&str], removed| Removed {
            kept: ids.iter().map(|id| sample::id(id)).collect(),
            ..Removed::all(removed)
        };
        assert_eq!(remove(0, 2).await.unwrap(), kept(&["b"], 1), "{keeper}");
        assert_eq!(remove(1, 1).await.unwrap(), kept(&["c"], 0), "{keeper}");
        assert_eq!(remove(2, 2).await.unwrap(), kept(&[], 1), "{keeper}");
        let exhausted = ["e", "f"].map(sample::id);
        let removed = store.remove_exhausted(&exhausted, &Policy::default(), later, &sample::UNRECORDED).await.unwrap();
        assert_eq!(removed, kept(&["e"], 1), "{keeper}");
        for (id, stays) in [("a", false), ("b", true), ("c", true), ("d", false), ("e", true), ("f", false)] {
            assert_eq!(store.find(&sample::id(id)).await.unwrap().is_some(), stays, "{id}: {keeper}");
        }
        engine.execute(r#"delete from "invoice""#).await;
        assert_eq!(remove(0, 10).await.unwrap(), Removed::all(2), "{keeper}");
        assert!(store.remove(&sample::id("e"), &sample::UNRECORDED).await.unwrap());
    }
}
