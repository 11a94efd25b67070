//! Deliveries in the order, and as often as they should be, by the clock of Tokio's timers.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use keymint_domain::webhook::{LAST_ATTEMPT_AFTER_MS, RETRY_DELAYS_MS, WebhookId};
use keymint_ports::StoreError;
use keymint_service::{NewWebhook, WebhookError, WebhookOptions};

use self::support::{Answer, Deployment, server};

const SECOND: Duration = Duration::from_secs(1);

/// Looks less often, for tests in which days pass.
fn unhurried() -> WebhookOptions {
    WebhookOptions { poll: SECOND * 10, lease: SECOND * 60, ..WebhookOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn every_event_arrives_once_and_in_order() {
    let it = Deployment::with_latency(Duration::from_millis(20));
    let endpoint = it.endpoint("a.example").await;
    let _node = it.start();
    let events = it.happen(&["k", "l", "k", "", "l", "k", ""].repeat(30)).await;
    it.pass(SECOND * 10).await;
    let mut arrived = it.arrived_at("a.example");
    for key in 0..2 {
        let of_key: Vec<_> = arrived
            .iter()
            .filter(|event| [0, 1, 0, 9, 1, 0, 9][usize::try_from(**event - 1).unwrap() % 7] == key)
            .collect();
        assert!(of_key.is_sorted(), "{of_key:?}");
    }
    arrived.sort_unstable();
    assert_eq!(arrived, events);
    let deliveries = it.deliveries_of(&endpoint.id).await;
    assert!(deliveries.iter().all(|(_, status, answer)| (*status, &**answer) == ("delivered", "200")));
    assert_eq!(deliveries.len(), events.len());
    let latest = it.happen(&["k"]).await[0];
    it.pass(SECOND).await;
    let arrivals = it.arrivals();
    let last = arrivals.last().unwrap();
    assert_eq!(last.event, latest);
    assert!(it.most_at_one_host() <= 8);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_told_of_what_it_wants_and_of_nothing_before_it_was_made() {
    let it = Deployment::new();
    it.happen(&["k", "k"]).await;
    let _node = it.start();
    let of_users = NewWebhook {
        url: "https://users.example/".to_owned(),
        kinds: vec!["keymint.user.*".to_owned()],
        ..NewWebhook::default()
    };
    it.webhooks.create(server(), of_users).await.unwrap();
    it.endpoint("all.example").await;
    it.pass(SECOND * 3).await;
    let events = it.happen(&["k"]).await;
    it.pass(SECOND * 30).await;
    assert_eq!(it.arrived_at("all.example"), events);
    assert_eq!(it.arrived_at("users.example"), [0; 0]);
    let positions: Vec<_> = it.webhooks.list().await.unwrap().iter().map(|webhook| webhook.position).collect();
    assert_eq!(positions, [3, 3], "one that wants nothing holds nothing back");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_hangs_or_fails_holds_up_no_other() {
    let it = Deployment::with_latency(Duration::from_millis(10));
    for host in ["hangs.example", "fails.example", "works.example"] {
        it.endpoint(host).await;
    }
    it.answer(|host, _| match host {
        "hangs.example" => Answer::Hang,
        "fails.example" => Answer::Status(500),
        _ => Answer::Status(200),
    });
    let _node = it.start();
    for turn in 0..60_u64 {
        it.happen(&["k"]).await;
        it.pass(SECOND).await;
        assert_eq!(it.arrived_at("works.example").len() as u64, turn + 1, "within a second");
    }
    assert!(it.arrived_at("hangs.example").len() < 10 && it.arrived_at("fails.example").len() < 10);
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_holds_up_the_later_ones_of_its_key_alone() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    it.answer(|_, event| Answer::Status(if event == 1 { 500 } else { 200 }));
    let node = it.start();
    it.happen(&["bad", "good", "bad", "good", ""]).await;
    it.pass(SECOND * 2).await;
    it.happen(&["bad", "good"]).await;
    it.pass(SECOND * 2).await;
    let arrived: BTreeSet<_> = it.arrived_at("a.example").into_iter().collect();
    assert_eq!(arrived, BTreeSet::from([1, 2, 4, 5, 7]));
    it.answer(|_, _| Answer::Status(200));
    it.pass(SECOND * 20).await;
    let arrived = it.arrived_at("a.example");
    let of_bad: Vec<_> = arrived.iter().filter(|event| [1, 3, 6].contains(*event)).collect();
    assert_eq!(of_bad, [&1, &1, &3, &6]);
    let states: BTreeSet<_> = it.deliveries_of(&endpoint.id).await.into_iter().map(|(_, status, _)| status).collect();
    assert_eq!(states, BTreeSet::from(["delivered"]));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn attempts_follow_the_schedule_until_day_five_pauses_the_endpoint_and_nothing_is_lost() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    it.answer(|_, _| Answer::Status(503));
    let _node = it.start_with(unhurried());
    it.happen(&["k"]).await;
    it.pass(Duration::from_hours(24 * 7)).await;
    assert_eq!(it.state_of(&endpoint.id).await, "paused");
    let at: Vec<_> = it.arrivals().iter().map(|arrival| arrival.at_ms).collect();
    assert_eq!(at.len(), 12, "{at:?}");
    for (gap, delay) in at.windows(2).map(|pair| pair[1] - pair[0]).zip(RETRY_DELAYS_MS) {
        // A look for due retries comes every ten seconds.
        assert!((delay..=delay + delay / 10 + 10_000).contains(&gap), "{gap} {delay}");
    }
    let last = at[11] - at[0];
    assert!((LAST_ATTEMPT_AFTER_MS..LAST_ATTEMPT_AFTER_MS + 10_000).contains(&last), "{last}");
    assert_eq!(it.deliveries_of(&endpoint.id).await, [(1, "pending", "503".to_owned())]);

    it.answer(|_, _| Answer::Status(200));
    it.happen(&["k"]).await;
    it.webhooks.resume(server(), &endpoint.id).await.unwrap();
    it.pass(SECOND * 30).await;
    let delivered = |position| (position, "delivered", "200".to_owned());
    assert_eq!(it.deliveries_of(&endpoint.id).await, [delivered(1), delivered(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_endpoint_is_called_seldom_and_one_that_is_back_gets_everything_at_once() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    it.answer(|_, _| Answer::Hang);
    let _node = it.start();
    let keys: Vec<_> = (0..1000).map(|key| format!("key {key}")).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    it.happen(&keys).await;
    it.pass(Duration::from_hours(6)).await;
    let attempts = it.arrivals().len();
    assert!((20..200).contains(&attempts), "{attempts} attempts within six hours");
    let kept = it.deliveries_of(&endpoint.id).await.len();
    assert!(kept < 200, "{kept} deliveries are kept");
    it.answer(|_, _| Answer::Status(200));
    it.pass(Duration::from_mins(6)).await;
    let deliveries = it.deliveries_of(&endpoint.id).await;
    assert_eq!(deliveries.iter().filter(|(_, status, _)| *status == "delivered").count(), 1000);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_an_endpoint_alone_refuses_is_given_up_on_day_five_and_the_next_of_its_key_comes() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    it.answer(|_, event| Answer::Status(if event == 1 { 422 } else { 200 }));
    let _node = it.start_with(unhurried());
    it.happen(&["k", "k"]).await;
    for _ in 0..6 {
        it.happen(&["other"]).await;
        it.pass(Duration::from_hours(24)).await;
    }
    assert_eq!(it.state_of(&endpoint.id).await, "active");
    let deliveries = it.deliveries_of(&endpoint.id).await;
    assert_eq!(deliveries[0], (1, "failed", "422".to_owned()));
    assert!(deliveries[1..].iter().all(|(_, status, _)| *status == "delivered"), "{deliveries:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_gone_is_disabled_at_once() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    it.answer(|_, _| Answer::Status(410));
    let _node = it.start();
    it.happen(&["k", "l", "k"]).await;
    it.pass(SECOND * 60).await;
    assert_eq!((it.state_of(&endpoint.id).await, it.arrivals().len()), ("disabled", 1));
    it.answer(|_, _| Answer::Status(200));
    it.webhooks.resume(server(), &endpoint.id).await.unwrap();
    it.pass(SECOND * 3).await;
    let arrived: BTreeSet<_> = it.arrived_at("a.example").into_iter().collect();
    assert_eq!(arrived, BTreeSet::from([1, 2, 3]));
}

#[tokio::test(start_paused = true)]
async fn two_nodes_that_live_send_nothing_twice() {
    let it = Deployment::with_latency(Duration::from_millis(300));
    let hosts: Vec<_> = (0..20).map(|host| format!("h{host}.example")).collect();
    for host in &hosts {
        it.endpoint(host).await;
    }
    let _nodes = [it.start(), it.start(), it.start()];
    let mut events = Vec::new();
    for _ in 0..30 {
        events.extend(it.happen(&["a", "b", "a"]).await);
        it.pass(Duration::from_millis(700)).await;
    }
    it.pass(SECOND * 60).await;
    for host in &hosts {
        let mut arrived = it.arrived_at(host);
        arrived.sort_unstable();
        assert_eq!(arrived, events, "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_endpoints_of_a_node_that_is_gone_are_taken_over() {
    let it = Deployment::with_latency(Duration::from_millis(10));
    it.endpoint("a.example").await;
    let first = it.start();
    it.happen(&["k"]).await;
    it.pass(SECOND).await;
    let second = it.start();
    drop(first);
    it.happen(&["k"]).await;
    it.pass(SECOND * 5).await;
    assert_eq!(it.arrived_at("a.example"), [1], "its lease lasts");
    it.pass(SECOND * 8).await;
    assert_eq!(it.arrived_at("a.example"), [1, 2]);
    let third = it.start();
    it.happen(&["k"]).await;
    it.pass(SECOND).await;
    // One that is stopped gives its endpoints back.
    second.stop().await;
    it.happen(&["k"]).await;
    it.pass(SECOND * 2).await;
    assert_eq!(it.arrived_at("a.example"), [1, 2, 3, 4]);
    drop(third);
}

#[tokio::test(start_paused = true)]
async fn a_lease_does_not_end_while_its_holder_waits_for_a_slow_store_and_a_slow_endpoint() {
    let options = || WebhookOptions { lease: SECOND * 2, ..WebhookOptions::default() };
    let it = Deployment::with_latency(SECOND * 14);
    let endpoint = it.endpoint("a.example").await;
    let (_holder, events) = it.start_slow(options());
    it.pass(SECOND).await;
    it.happen(&["k"]).await;
    it.pass(SECOND).await;
    assert_eq!(it.arrived_at("a.example"), [1], "it is under way");
    events.take(SECOND * 60);
    let _other = it.start_with(options());
    it.pass(SECOND * 30).await;
    assert_eq!(it.arrived_at("a.example"), [1], "nobody takes it over");
    assert_eq!(it.deliveries_of(&endpoint.id).await, [(1, "delivered", "200".to_owned())], "the outcome is written");
}

#[tokio::test(start_paused = true)]
async fn a_lease_does_not_end_while_the_attempts_of_a_node_that_stops_end() {
    let options = || WebhookOptions { lease: SECOND * 2, ..WebhookOptions::default() };
    let it = Deployment::with_latency(SECOND * 4);
    let endpoint = it.endpoint("a.example").await;
    let stops = it.start_with(options());
    it.pass(SECOND).await;
    it.happen(&["k"]).await;
    it.pass(Duration::from_millis(500)).await;
    assert_eq!(it.arrived_at("a.example"), [1], "it is under way");
    let _other = it.start_with(options());
    stops.stop().await;
    it.pass(SECOND * 30).await;
    assert_eq!(it.arrived_at("a.example"), [1]);
    assert_eq!(it.deliveries_of(&endpoint.id).await, [(1, "delivered", "200".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_killed_repeats_at_most_what_is_attempted_at_once_and_nothing_that_is_recorded() {
    for kill_at in (1000..1500).step_by(13) {
        let it = Deployment::with_latency(Duration::from_millis(20));
        let endpoint = it.endpoint("a.example").await;
        let first = it.start();
        let keys: Vec<_> = (0..150).map(|key| (key % 70).to_string()).collect();
        it.pass(Duration::from_millis(900)).await;
        it.happen(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
        it.pass(Duration::from_millis(kill_at - 900)).await;
        drop(first);
        let mut recorded = BTreeSet::new();
        for (position, status, _) in it.deliveries_of(&endpoint.id).await {
            assert_eq!(status, "delivered", "nothing has failed");
            recorded.insert(position);
        }
        let before: BTreeSet<_> = it.arrived_at("a.example").into_iter().collect();
        assert_eq!(before.len(), it.arrived_at("a.example").len(), "one node repeats nothing");
        let in_flight: BTreeSet<_> = before.difference(&recorded).copied().collect();
        assert!(in_flight.len() <= WebhookOptions::default().max_per_endpoint, "{kill_at}: {in_flight:?}");
        let _second = it.start();
        it.pass(SECOND * 30).await;
        let arrived = it.arrived_at("a.example");
        assert_eq!(arrived.iter().collect::<BTreeSet<_>>().len(), 150, "{kill_at}: nothing is lost");
        assert_eq!(arrived.len(), 150 + in_flight.len(), "{kill_at}: what was recorded is not repeated");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_this_process_is_told_without_waiting_for_the_next_turns() {
    let it = Deployment::recording();
    let _sealer = it.seal();
    it.endpoint("a.example").await;
    let _node = it.start();
    for turn in 0..20_u64 {
        // At another point between two turns each time.
        it.pass(Duration::from_millis(1500 + turn * 37)).await;
        let (told, changed_at) = (it.arrived_at("a.example").len(), it.now_ms());
        it.webhooks
            .create(server(), NewWebhook { url: format!("https://b{turn}.example/"), ..NewWebhook::default() })
            .await
            .unwrap();
        it.pass(SECOND).await;
        let arrivals: Vec<_> = it.arrivals().into_iter().filter(|arrival| arrival.host == "a.example").collect();
        let took = arrivals[told].at_ms - changed_at;
        assert!(took <= 120, "{turn}: {took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_killed_at_any_point_lose_nothing_and_keep_the_order() {
    let it = Deployment::with_latency(Duration::from_millis(70));
    it.endpoint("a.example").await;
    let endpoint = it.endpoint("b.example").await;
    it.answer(|host, event| Answer::Status(if host == "b.example" && event % 7 == 0 { 500 } else { 200 }));
    let keys = ["a", "b", "c", "d"];
    let mut events = BTreeMap::<&str, Vec<u64>>::new();
    for turn in 0..100_u64 {
        let node = it.start_with(WebhookOptions { lease: SECOND, ..WebhookOptions::default() });
        for key in keys.iter().cycle().skip(usize::try_from(turn).unwrap() % 4).take(6) {
            events.entry(key).or_default().extend(it.happen(&[key]).await);
        }
        it.pass(Duration::from_millis(900 + (turn * 37) % 900)).await;
        drop(node);
    }
    it.answer(|_, _| Answer::Status(200));
    let _node = it.start();
    it.pass(Duration::from_mins(10)).await;
    for host in ["a.example", "b.example"] {
        let accepted = it.arrivals().into_iter().filter(|it| it.host == host && it.answer == Answer::Status(200));
        let mut first = BTreeSet::new();
        let order: Vec<_> = accepted.map(|arrival| arrival.event).filter(|event| first.insert(*event)).collect();
        assert_eq!(order.len(), 600, "{host}");
        for expected in events.values() {
            let of_key: Vec<_> = order.iter().copied().filter(|event| expected.contains(event)).collect();
            assert_eq!(of_key, *expected, "{host}");
        }
    }
    let deliveries = it.deliveries_of(&endpoint.id).await;
    assert!(deliveries.iter().all(|(_, status, _)| *status == "delivered"));
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_endpoints_those_that_hang_keep_one_slot_each_and_the_others_are_served() {
    let it = Deployment::with_latency(Duration::from_millis(20));
    for host in 0..1000 {
        it.endpoint(&format!("h{host}.example")).await;
    }
    let more = NewWebhook { url: "https://more.example/".to_owned(), ..NewWebhook::default() };
    assert!(matches!(it.webhooks.create(server(), more).await, Err(WebhookError::TooMany(1000))));
    let hangs = |host: &str| host[1..].split('.').next().unwrap().parse::<u32>().unwrap() < 500;
    it.answer(move |host, _| if hangs(host) { Answer::Hang } else { Answer::Status(200) });
    let _node = it.start();
    it.happen(&["k", "l", "m", "k"].repeat(5)).await;
    it.pass(SECOND * 5).await;
    let arrivals = it.arrivals();
    let served = arrivals.iter().filter(|arrival| arrival.answer == Answer::Status(200)).count();
    assert_eq!(served, 500 * 20);
    assert_eq!(arrivals.len() - served, 500, "one attempt to each that hangs");
    assert!(it.receivers.most_in_flight.load(Ordering::SeqCst) <= 1024);
    assert!(it.most_at_one_host() <= 8);
}

#[tokio::test(start_paused = true)]
async fn events_are_replayed_from_an_instant() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    let _node = it.start();
    it.happen(&["k"]).await;
    it.pass(SECOND * 10).await;
    let from = keymint_ports::Clock::now(&*it.clock);
    it.happen(&["k", "l"]).await;
    it.pass(SECOND * 10).await;
    it.webhooks.replay(server(), &endpoint.id, from).await.unwrap();
    it.pass(SECOND * 10).await;
    assert_eq!(it.arrived_at("a.example"), [1, 2, 3, 2, 3]);
    assert_eq!(it.deliveries_of(&endpoint.id).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_paused_is_told_later_and_one_that_is_deleted_never() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    let _node = it.start();
    it.webhooks.pause(server(), &endpoint.id).await.unwrap();
    it.webhooks.pause(server(), &endpoint.id).await.unwrap();
    it.happen(&["k", "k"]).await;
    it.pass(SECOND * 60).await;
    assert_eq!(it.arrived_at("a.example"), [0; 0]);
    it.webhooks.resume(server(), &endpoint.id).await.unwrap();
    it.pass(SECOND * 3).await;
    assert_eq!(it.arrived_at("a.example"), [1, 2]);
    it.webhooks.delete(server(), &endpoint.id).await.unwrap();
    it.happen(&["k"]).await;
    it.pass(SECOND * 60).await;
    assert_eq!(it.arrived_at("a.example"), [1, 2]);
    assert!(matches!(it.webhooks.delete(server(), &endpoint.id).await, Err(WebhookError::Missing)));
    assert!(matches!(it.webhooks.pause(server(), &endpoint.id).await, Err(WebhookError::Missing)));
}

#[tokio::test(start_paused = true)]
async fn while_a_secret_is_replaced_both_sign() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    let _node = it.start();
    let signatures = async |it: &Deployment| {
        it.happen(&["k"]).await;
        it.pass(SECOND * 2).await;
        it.arrivals().last().unwrap().signatures.split(' ').count()
    };
    assert_eq!(signatures(&it).await, 1);
    let made = it.webhooks.rotate_secret(server(), &endpoint.id, 60_000).await.unwrap();
    assert_ne!(made.secret, endpoint.secrets.current);
    assert_eq!(signatures(&it).await, 2);
    it.pass(SECOND * 60).await;
    assert_eq!(signatures(&it).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_removed_before_its_delivery_is_given_up() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    it.answer(|_, _| Answer::Status(500));
    let _node = it.start();
    it.happen(&["k", "k"]).await;
    it.pass(SECOND * 2).await;
    it.forget_events_to(1).await;
    it.answer(|_, _| Answer::Status(200));
    it.pass(SECOND * 60).await;
    let deliveries = it.deliveries_of(&endpoint.id).await;
    let expected = [(1, "failed", "the event was removed".to_owned()), (2, "delivered", "200".to_owned())];
    assert_eq!(deliveries, expected);
}

#[tokio::test(start_paused = true)]
async fn a_test_is_sent_at_once_and_only_once() {
    let it = Deployment::new();
    let endpoint = it.endpoint("a.example").await;
    it.webhooks.pause(server(), &endpoint.id).await.unwrap();
    it.answer(|_, _| Answer::Status(418));
    let tested = it.webhooks.test(&endpoint.id).await.unwrap();
    assert_eq!(tested.answer, Ok(418));
    let _node = it.start();
    it.pass(SECOND * 60).await;
    assert_eq!(it.arrivals().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_endpoint_must_not_be_is_refused() {
    let it = Deployment::new();
    let refusal = async |url: &str, kind: &str| {
        let new = NewWebhook { url: url.to_owned(), kinds: vec![kind.to_owned()], ..NewWebhook::default() };
        it.webhooks.create(server(), new).await.expect_err(url).to_string()
    };
    let loopback =
        "the url must not be called: the address 127.0.0.1 is loopback; only [webhooks] allow_networks admits it";
    assert_eq!(refusal("https://127.0.0.1/", "*").await, loopback);
    assert!(refusal("https://example.com/", "key created").await.starts_with("kinds: \"key created\" must have"));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_made_once_under_its_id() {
    let it = Deployment::new();
    let new = || NewWebhook {
        id: Some(WebhookId::parse("form").unwrap()),
        url: "https://once.example/".to_owned(),
        ..NewWebhook::default()
    };
    let made = it.webhooks.create(server(), new()).await.unwrap();
    assert_eq!(made.webhook.id.as_str(), "form");
    let again = it.webhooks.create(server(), new()).await;
    assert!(matches!(again, Err(WebhookError::Store(StoreError::Duplicate))), "{again:?}");
    assert_eq!(it.webhooks.list().await.unwrap().len(), 1);
}
