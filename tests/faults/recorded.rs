//! Keymint is killed while keys are changed: each change is there with its event, or neither of them is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use keymint_test_support::keymint::{Place, SERVER_KEY, Server};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::stored_events::Stranger;

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_every_change_has_its_event_however_often_the_server_is_killed() {
    changes_and_events_agree(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_every_change_has_its_event_however_often_the_server_is_killed() {
    changes_and_events_agree(Place::on(&keymint_test_postgres::database().await)).await;
}

/// Callers that create, change, revoke and delete keys all the time.
struct Changes {
    client: Client,
    url: RwLock<String>,
    is_over: AtomicBool,
    /// The changes that were answered.
    answered: AtomicU64,
    /// The ids of requests that were answered as successful, with the kind of their event.
    succeeded: Mutex<Vec<(String, &'static str)>>,
}

impl Changes {
    async fn call(self: Arc<Self>, caller: usize) {
        for turn in 0.. {
            if self.is_over.load(SeqCst) {
                break;
            }
            let id = |step: &str| format!("{caller}-{turn}-{step}");
            let new = json!({ "userId": "ada", "remaining": 1 });
            let Some(key) = self.send(id("a"), "create", new, "created").await else { continue };
            let id_of_key = key["id"].clone();
            for step in 2..5 {
                let edit = json!({ "keyId": id_of_key, "remaining": step });
                self.send(id(&format!("b{step}")), "update", edit, "updated").await;
            }
            let (path, member, kind) = match turn % 3 {
                0 => ("revoke", "id", "revoked"),
                1 => ("delete", "keyId", "deleted"),
                _ => continue,
            };
            self.send(id("c"), path, json!({ member: id_of_key }), kind).await;
        }
    }

    async fn send(&self, id: String, path: &str, body: Value, kind: &'static str) -> Option<Value> {
        let url = format!("{}/{path}", self.url.read().unwrap());
        let request = self.client.post(url).bearer_auth(SERVER_KEY).header("x-request-id", &id).json(&body);
        let answer = async {
            let response = request.send().await?;
            reqwest::Result::Ok((response.status().as_u16(), response.json::<Value>().await?))
        };
        match answer.await {
            Ok((200, answer)) => {
                self.answered.fetch_add(1, SeqCst);
                self.succeeded.lock().unwrap().push((id, kind));
                Some(answer)
            }
            // A change whose answer was lost may make its repetition fail.
            Ok((404 | 503, _)) | Err(_) => {
                tokio::task::yield_now().await;
                None
            }
            Ok((status, body)) => panic!("{status} {body}"),
        }
    }

    async fn goes_on(&self, changes: u64) {
        let goal = self.answered.load(SeqCst) + changes;
        let reached = async {
            while self.answered.load(SeqCst) < goal {
                tokio::task::yield_now().await;
            }
        };
        assert!(timeout(Duration::from_mins(2), reached).await.is_ok(), "the changes do not go on");
    }
}

async fn changes_and_events_agree(place: Place) {
    let mut server = place.serve();
    let url = |server: &Server| server.url("").trim_end_matches('/').to_owned();
    let changes = Arc::new(Changes {
        client: Client::builder().timeout(Duration::from_secs(30)).build().unwrap(),
        url: RwLock::new(url(&server)),
        is_over: AtomicBool::new(false),
        answered: AtomicU64::new(0),
        succeeded: Mutex::default(),
    });
    let mut callers = JoinSet::new();
    for caller in 0..6 {
        callers.spawn(Arc::clone(&changes).call(caller));
    }
    // Different numbers, so that the kills meet different moments of sealing.
    for pause in [31, 7, 53, 2, 23, 41, 3, 17, 29, 11] {
        changes.goes_on(pause).await;
        // By SIGKILL.
        drop(server);
        server = place.serve();
        *changes.url.write().unwrap() = url(&server);
    }
    changes.goes_on(30).await;
    changes.is_over.store(true, SeqCst);
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    let mut stranger = Stranger::of(&place).await;
    let sealed = async { while stranger.events().await.iter().any(|event| event["position"].is_null()) {} };
    assert!(timeout(Duration::from_mins(1), sealed).await.is_ok(), "events stay without a position");
    let events = stranger.events().await;
    no_gap(&events);
    each_answered_change_has_its_event(&events, &changes.succeeded.lock().unwrap());
    keys_are_what_their_events_say(&events, &keys(&mut stranger).await);
}

fn no_gap(events: &[Value]) {
    let positions: BTreeSet<u64> = events.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(positions.len(), events.len(), "two events have one position");
    assert_eq!((positions.first(), positions.last()), (Some(&1), Some(&(events.len() as u64))));
}

fn each_answered_change_has_its_event(events: &[Value], succeeded: &[(String, &'static str)]) {
    let recorded: BTreeMap<_, _> = events.iter().map(|event| (event["requestId"].as_str().unwrap(), event)).collect();
    assert_eq!(recorded.len(), events.len(), "a change has two events");
    for (request, kind) in succeeded {
        let event = recorded.get(request.as_str()).unwrap_or_else(|| panic!("the change {request} has no event"));
        assert_eq!(event["kind"], format!("keymint.key.{kind}"), "{request}");
    }
}

/// A key of the table, by its id: its quota, and `true` if it is revoked.
type Keys = BTreeMap<String, (u64, bool)>;

async fn keys(stranger: &mut Stranger) -> Keys {
    const ASK: &str = r#"select "id" || ' ' || cast("remaining" as text) || ' ' ||
        case when "keymint_revoked_at" is null then 'false' else 'true' end from "apikey""#;
    let read = |row: String| {
        let parts: Vec<_> = row.split(' ').collect();
        (parts[0].to_owned(), (parts[1].parse().unwrap(), parts[2] == "true"))
    };
    stranger.ask(ASK).await.into_iter().map(read).collect()
}

fn keys_are_what_their_events_say(events: &[Value], keys: &Keys) {
    let mut told = Keys::new();
    for event in events {
        let id = event["keyId"].as_str().unwrap();
        match event["kind"].as_str().unwrap() {
            "keymint.key.created" => assert_eq!(told.insert(id.to_owned(), (1, false)), None),
            "keymint.key.updated" => {
                told.get_mut(id).unwrap().0 = event["data"]["new"]["remaining"].as_u64().unwrap();
            }
            "keymint.key.revoked" => told.get_mut(id).unwrap().1 = true,
            "keymint.key.deleted" => assert!(told.remove(id).is_some()),
            other => panic!("{other}"),
        }
    }
    assert!(told.len() > 20);
    assert_eq!(&told, keys);
}
