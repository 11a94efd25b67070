//! Values that Better Auth's own interface, drivers and the database's functions leave in a row have a meaning, and
//! stay in the row as they are written there.

use keymint_domain::Configuration;
use keymint_domain::key::EditKey;
use keymint_domain::policy::Policy;
use keymint_domain::value::KeyName;
use keymint_domain::verify::Cost;
use keymint_ports::KeyStore;

use crate::{SqlEngine, sample};

pub async fn odd_values_are_read_as_what_they_mean_and_no_edit_rewrites_them<E: SqlEngine>(engine: &E) {
    let store = engine.open().await;
    let name = EditKey { name: KeyName::parse("new").ok(), ..EditKey::default() };
    let rename = name.check(&Configuration::default(), sample::NOW).unwrap();
    for (column, value, means) in engine.specimens().odd_keys {
        let value = value.replace("LONG", &"x".repeat(5000));
        store.insert(&sample::key("odd"), None, &sample::UNRECORDED).await.unwrap();
        engine.execute(&format!(r#"update "apikey" set "{column}" = {value}"#)).await;
        let ask = format!(r#"select {} from "apikey""#, engine.specimens().column_form.replace("COLUMN", column));
        let before = engine.ask(&ask).await;
        let key = store.find(&sample::id("odd")).await.unwrap().unwrap();
        assert!(means(&key), "{column} = {value}: {key:?}");
        store.update(&sample::id("odd"), &rename, sample::NOW, &sample::UNRECORDED).await.unwrap().unwrap();
        let after = engine.ask(&ask).await;
        assert!(before == after || *column == "updatedAt", "{column}: {before:?} became {after:?}");
        let attempt = sample::attempt("odd").at_cost(Cost(0));
        let answers = store.spend(&[attempt], &Policy::default(), sample::NOW).await.unwrap();
        assert!(answers[0].is_ok(), "{column} = {value}");
        assert!(store.remove(&sample::id("odd"), &sample::UNRECORDED).await.unwrap());
    }
}
