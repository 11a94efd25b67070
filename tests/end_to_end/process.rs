//! A `keymint` process of its own for every test, in a folder of its own.

pub(crate) use keymint_test_support::keymint::{Place, SERVER_KEY, Server};

/// Returns a place on SQLite and, unless this is the fast lane, one on Postgres.
pub(crate) async fn places() -> Vec<Place> {
    let mut places = vec![Place::new()];
    if cfg!(feature = "full-tests") {
        places.push(Place::on(&keymint_test_postgres::database().await));
    }
    places
}
