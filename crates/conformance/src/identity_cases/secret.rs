use std::sync::Arc;

use keymint_ports::IdentityStore as _;

use crate::IdentityEngine;
use crate::support::{at_once, open_two};
use crate::texts::texts;

pub async fn the_secret_is_kept_once_between_all<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let offers = (0..12).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { store.keep_secret(&format!("secret {turn}")).await.unwrap() }
    });
    let kept = at_once(offers).await;
    assert!(kept[0].starts_with("secret "));
    assert!(kept.iter().all(|secret| *secret == kept[0]), "{kept:?}");
}

pub async fn the_secret_survives_a_restart<E: IdentityEngine>(engine: &E) {
    let offered = texts().join("\n");
    assert_eq!(engine.open().await.keep_secret(&offered).await.unwrap(), offered);
    assert_eq!(engine.open().await.keep_secret("another").await.unwrap(), offered);
}
