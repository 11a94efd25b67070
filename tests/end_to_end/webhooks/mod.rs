//! Webhooks: the binary delivers to receivers on sockets.

mod bad_input;
mod notices;
pub(crate) mod receiver;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use self::receiver::{Conduct, Receiver, now};
use crate::process::{Place, Server, places};

pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// Lets the receivers of this machine be called without TLS, and endpoints be taken over after a second.
pub(crate) fn allowing(place: Place) -> Place {
    place
        .with("KEYMINT__WEBHOOKS__ALLOW_NETWORKS", r#"["127.0.0.1"]"#)
        .with("KEYMINT__WEBHOOKS__ALLOW_HTTP", "true")
        .with("KEYMINT__WEBHOOKS__LEASE_MS", "1000")
}

/// Makes an endpoint of a path that is told of keys.
fn endpoint(place: &Place, receiver: &Receiver, path: &str) -> Value {
    place.json(&["webhook", "--json", "create", &receiver.url(path), "--kind", "keymint.key.*"])
}

fn state(place: &Place, webhook: &Value) -> Value {
    let listed = place.json(&["webhook", "--json", "list"]);
    listed["webhooks"].as_array().unwrap().iter().find(|it| it["id"] == webhook["id"]).unwrap()["state"].clone()
}

pub(crate) fn deliveries(place: &Place, webhook: &Value) -> Vec<Value> {
    let id = webhook["id"].as_str().unwrap();
    place.json(&["webhook", "--json", "deliveries", id])["deliveries"].as_array().unwrap().clone()
}

/// Makes a key and changes it, and returns its id.
async fn two_events(server: &Server) -> Value {
    let key = server.create(json!({ "userId": "ada" })).await;
    let (status, _) = server.post("update", json!({ "keyId": key["id"], "enabled": false })).await;
    assert_eq!(status, 200);
    key["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_of_every_kind_are_told_what_they_take_and_no_other_waits_for_them() {
    let conducts = [
        ("fails", Conduct::Fails, "500"),
        ("hangs", Conduct::Hangs, "no answer in time"),
        ("deaf", Conduct::IsDeaf, "no answer in time"),
        ("redirects", Conduct::Redirects, "307"),
        ("breaks", Conduct::BreaksOff, "the connection ended before an answer"),
    ];
    for place in places().await.into_iter().map(allowing) {
        let place = place.with("HTTP_PROXY", "http://127.0.0.1:9").with("http_proxy", "http://127.0.0.1:9");
        let receiver = Receiver::start().await;
        let server = place.serve();
        let works = endpoint(&place, &receiver, "works");
        let huge = endpoint(&place, &receiver, "huge");
        receiver.set("huge", Conduct::AnswersGigabyte);
        let gone = endpoint(&place, &receiver, "gone");
        receiver.set("gone", Conduct::IsGone);
        let bad: Vec<_> = conducts.iter().map(|(path, ..)| endpoint(&place, &receiver, path)).collect();
        for (path, conduct, _) in conducts {
            receiver.set(path, conduct);
        }

        let key = two_events(&server).await;
        receiver.has_accepted("works", 2, MINUTE).await;
        receiver.has_accepted("huge", 2, MINUTE).await;
        let arrivals = receiver.arrivals("works");
        let events: Vec<_> = arrivals.iter().map(receiver::Arrival::event).collect();
        assert_eq!(events[0]["type"], "keymint.key.created");
        assert_eq!(events[1]["type"], "keymint.key.disabled");
        for (arrival, event) in arrivals.iter().zip(&events) {
            assert!(arrival.is_signed_by(works["secret"].as_str().unwrap()));
            assert_eq!((&event["data"]["keyId"], &event["data"]["actor"]), (&key, &json!("server")));
            assert_eq!(arrival.headers["webhook-id"], event["id"].as_str().unwrap());
            assert!(!arrival.body.contains("127.0.0.1"), "no address of a client");
        }
        assert!(!arrivals[0].is_signed_by(huge["secret"].as_str().unwrap()), "each endpoint has its own secret");

        // The hanging ones take 15 s to be given up.
        let given_up = async {
            while !bad.iter().all(|it| deliveries(&place, it).iter().any(|row| row["answer"].is_string())) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(MINUTE, given_up).await.unwrap();
        for ((path, _, answer), webhook) in conducts.iter().zip(&bad) {
            let rows = deliveries(&place, webhook);
            let first = rows.last().unwrap();
            assert_eq!((&first["status"], &first["answer"]), (&json!("pending"), &json!(answer)), "{path}");
            assert!(rows.len() < 2 || rows[0]["attempts"] == 0, "the second event of the key waits: {path} {rows:?}");
        }
        assert_eq!((state(&place, &gone), receiver.arrivals("gone").len()), (json!("disabled"), 1));
        assert_eq!(receiver.arrivals("elsewhere").len(), 0, "no redirect is followed");

        // They come back.
        for (path, ..) in conducts {
            receiver.set(path, Conduct::Accepts);
        }
        receiver.set("gone", Conduct::Accepts);
        place.json(&["webhook", "--json", "resume", gone["id"].as_str().unwrap()]);
        for webhook in &bad {
            // The next attempt is minutes away if the first two have failed by now.
            place.json(&["webhook", "--json", "pause", webhook["id"].as_str().unwrap()]);
            place.json(&["webhook", "--json", "resume", webhook["id"].as_str().unwrap()]);
        }
        for path in conducts.iter().map(|(path, ..)| *path).chain(["gone"]) {
            receiver.has_accepted(path, 2, MINUTE).await;
            assert_eq!(receiver.accepted(path), receiver.accepted("works"), "{path}");
        }
        assert_eq!(receiver.accepted("works").len(), 2, "nothing was sent twice");
        place.json(&["webhook", "--json", "replay", works["id"].as_str().unwrap(), "--from", "2020-01-01T00:00:00Z"]);
        let again = async {
            while receiver.accepted("works").len() < 4 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(MINUTE, again).await.unwrap();
        let twice = receiver.accepted("works");
        assert_eq!(twice[..2], twice[2..], "a replay has the same ids");
    }
}

/// The number of kills: all hundred take minutes.
const KILLS: usize = if cfg!(feature = "full-tests") { 100 } else { 10 };

/// The number of attempts at once to one endpoint, which a kill may let repeat.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_no_key_is_out_of_order_and_little_is_repeated_whenever_the_server_is_killed() {
    // At once: each waits most of its time.
    let mut databases = JoinSet::new();
    for place in places().await {
        databases.spawn(is_killed_at_its_work(allowing(place)));
    }
    databases.join_all().await;
}

async fn is_killed_at_its_work(place: Place) {
    let receiver = Receiver::start().await;
    drop(place.serve());
    endpoint(&place, &receiver, "a");
    let (mut keys, mut kills) = (Vec::new(), Vec::new());
    for turn in 0..KILLS {
        let server = place.serve();
        keys.push(two_events(&server).await);
        keys.push(two_events(&server).await);
        // At another point of its work each time.
        tokio::time::sleep(Duration::from_millis((turn as u64 * 137) % 1900)).await;
        kills.push(now());
        // By SIGKILL.
        drop(server);
    }
    let _server = place.serve();
    receiver.has_accepted("a", 4 * KILLS, MINUTE * 2).await;
    let arrivals = receiver.arrivals("a");
    let mut by_event = BTreeMap::<_, Vec<_>>::new();
    for (place, arrival) in arrivals.iter().enumerate() {
        by_event.entry(arrival.headers["webhook-id"].as_str()).or_default().push(place);
    }
    let mut first: Vec<_> = by_event.values().map(|places| places[0]).collect();
    first.sort_unstable();
    let first: Vec<_> = first.into_iter().map(|place| arrivals[place].event()).collect();
    for key in &keys {
        let of_key = first.iter().filter(|event| event["data"]["keyId"] == *key);
        let kinds: Vec<_> = of_key.map(|event| event["type"].clone()).collect();
        assert_eq!(kinds, ["keymint.key.created", "keymint.key.disabled"]);
    }
    // In the life of each server little is repeated: what was under way when the one before it was killed, or, on a busy
    // machine, when a lease of a second ended.
    let mut repeats = vec![0; KILLS + 1];
    for arrival in by_event.values().flat_map(|places| &places[1..]).map(|place| &arrivals[*place]) {
        repeats[kills.iter().filter(|killed_at| **killed_at < arrival.at).count()] += 1;
    }
    assert!(repeats.iter().all(|repeats| *repeats <= AT_ONCE), "{repeats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_send_nothing_twice_but_what_was_under_way_when_one_is_killed() {
    for place in places().await.into_iter().map(allowing) {
        // Long enough for servers that a busy machine lets wait: a lease that ends is taken over.
        let place = place.with("KEYMINT__WEBHOOKS__LEASE_MS", "6000");
        let receiver = Receiver::start().await;
        let servers = [place.serve(), place.serve()];
        let paths = ["a", "b", "c", "d"];
        for path in paths {
            endpoint(&place, &receiver, path);
        }
        for turn in 0..20 {
            two_events(&servers[turn % 2]).await;
        }
        for path in paths {
            receiver.has_accepted(path, 40, MINUTE).await;
            assert_eq!(receiver.arrivals(path).len(), 40, "{path}: both live");
        }
        for turn in 20..30 {
            two_events(&servers[turn % 2]).await;
        }
        // One is killed at its work, and the other one takes over.
        let [gone, stays] = servers;
        let before_kill = now();
        drop(gone);
        let killed_at = now();
        two_events(&stays).await;
        for path in paths {
            receiver.has_accepted(path, 62, MINUTE).await;
            let mut by_event = BTreeMap::<_, Vec<_>>::new();
            for arrival in receiver.arrivals(path) {
                by_event.entry(arrival.headers["webhook-id"].clone()).or_default().push(arrival.at);
            }
            let repeated: Vec<_> = by_event.values().filter(|times| times.len() > 1).collect();
            assert!(repeated.len() <= AT_ONCE, "{path}: {repeated:?}");
            for times in repeated {
                // What it sent may be read after its end.
                let slack = Duration::from_secs(1);
                let is_of_both = times.len() == 2 && times[0] < killed_at + slack && times[1] > before_kill;
                assert!(is_of_both, "{path}: {times:?}, killed at {killed_at:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_replaced_without_a_gap() {
    let place = allowing(Place::new());
    let receiver = Receiver::start().await;
    let server = place.serve();
    let webhook = endpoint(&place, &receiver, "a");
    let (id, old) = (webhook["id"].as_str().unwrap(), webhook["secret"].as_str().unwrap());
    let (mut events, mut rotated_at, mut new) = (0, None, String::new());
    for turn in 0..40 {
        if turn == 15 {
            let rotated = place.json(&["webhook", "--json", "rotate-secret", id, "--overlap-seconds", "3600"]);
            rotated["secret"].as_str().unwrap().clone_into(&mut new);
            rotated_at = Some(now());
        }
        two_events(&server).await;
        events += 2;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    receiver.has_accepted("a", events, MINUTE).await;
    let arrivals = receiver.arrivals("a");
    assert_eq!(arrivals.len(), events, "no delivery failed");
    assert!(arrivals.iter().all(|arrival| arrival.is_signed_by(old)), "the old secret signs for an hour");
    // What was read before the rotation may still be under way.
    let settled = rotated_at.unwrap() + Duration::from_secs(1);
    assert!(arrivals.iter().filter(|arrival| arrival.at > settled).all(|arrival| arrival.is_signed_by(&new)));
    assert!(arrivals.last().unwrap().is_signed_by(&new));

    place.json(&["webhook", "--json", "rotate-secret", id, "--overlap-seconds", "0"]);
    two_events(&server).await;
    receiver.has_accepted("a", events + 2, MINUTE).await;
    let last = receiver.arrivals("a").pop().unwrap();
    assert!(!last.is_signed_by(old) && !last.is_signed_by(&new));
}

#[test]
fn the_command_line_refuses_what_must_not_be_called_and_tells_of_what_is_missing() {
    let place = Place::new();
    drop(place.serve());
    let refusal = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let loopback = "error: the url must not be called: the address 127.0.0.1 is loopback; only [webhooks] allow_networks admits it\n";
    assert_eq!(refusal(&["webhook", "create", "https://127.0.0.1/"]), loopback);
    assert_eq!(
        refusal(&["webhook", "create", "http://example.com/"]),
        "error: the url must begin with https://; [webhooks] allow_http admits http:// for the networks of allow_networks\n"
    );
    for command in ["rotate-secret", "test", "pause", "resume", "delete", "deliveries"] {
        assert_eq!(refusal(&["webhook", command, "none"]), "error: there is no webhook with this id\n", "{command}");
    }
    let from = refusal(&["webhook", "replay", "none", "--from", "yesterday"]);
    assert_eq!(from, "error: --from must be an instant as in 2026-01-02T03:04:05Z\n");
    let created = place.json(&["webhook", "--json", "create", "https://192.88.98.1/"]);
    assert!(created["secret"].as_str().unwrap().starts_with("whsec_"));
    let table = String::from_utf8(place.run(&["webhook", "list"]).stdout).unwrap();
    assert!(table.contains("https://192.88.98.1/") && !table.contains("whsec_"), "{table}");
}
