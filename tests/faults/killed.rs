//! Keymint itself is killed.

use keymint_test_support::keymint::Place;

use crate::load::Load;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_has_every_use_that_was_answered_before_a_kill() {
    a_killed_server_has_stored_what_it_answered(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_has_every_use_that_was_answered_before_a_kill() {
    a_killed_server_has_stored_what_it_answered(Place::on(&keymint_test_postgres::database().await)).await;
}

async fn a_killed_server_has_stored_what_it_answered(place: Place) {
    let mut server = place.serve();
    let load = Load::start(&server, 3, 8).await;
    for _ in 0..5 {
        load.goes_on(50).await;
        // By SIGKILL.
        drop(server);
        server = place.serve();
        load.turn_to(&server);
    }
    load.goes_on(50).await;
    assert!(load.end().await.agree_with(&place) >= 300);
}
