use std::collections::{HashMap, HashSet, VecDeque};

use keymint_domain::webhook::{Attempts, Delivery, DeliveryStatus, WebhookEvent, WebhookId};
use keymint_domain::{KeyId, Timestamp};

/// A portion of the deliveries to an endpoint. It keeps the order of each key's events: while an earlier one is pending,
/// no later one is attempted.
#[derive(Debug)]
pub(super) struct Plan {
    /// Lanes whose first delivery may be attempted.
    ready: VecDeque<Lane>,
    /// The rest of lanes whose first delivery failed.
    stopped: Vec<Task>,
    /// Deliveries that were attempted, with the outcome.
    attempted: Vec<Delivery>,
    /// The position up to which events were taken before.
    from: u64,
    /// The position up to which events were read.
    read_to: u64,
    /// The last new event that was attempted.
    last_attempted: u64,
}

/// The deliveries of one key, or of one event without a key, in order.
#[derive(Debug)]
pub(super) struct Lane(VecDeque<Task>);

/// A delivery that is to be attempted.
#[derive(Debug)]
pub(super) struct Task {
    /// The delivery so far.
    pub(super) delivery: Delivery,
    /// Its event; `None` = it was removed.
    pub(super) event: Option<WebhookEvent>,
    /// The store has no row of it yet.
    is_new: bool,
}

impl Plan {
    /// Plans deliveries that are due and new events. Events of the keys in `blocked` wait for an earlier one.
    pub(super) fn new(
        id: &WebhookId,
        due: Vec<(Delivery, Option<WebhookEvent>)>,
        new: Vec<WebhookEvent>,
        blocked: &HashSet<KeyId>,
        (from, read_to): (u64, u64),
    ) -> Self {
        let mut ready: VecDeque<_> = due
            .into_iter()
            .map(|(delivery, event)| Lane(VecDeque::from([Task { delivery, event, is_new: false }])))
            .collect();
        let (mut stopped, mut lanes) = (Vec::new(), HashMap::<KeyId, usize>::new());
        for event in new {
            let delivery = Delivery::of(id, &event, Attempts::held());
            let key_id = delivery.key_id.clone();
            let task = Task { delivery, event: Some(event), is_new: true };
            match key_id {
                Some(key_id) if blocked.contains(&key_id) => stopped.push(task),
                Some(key_id) => {
                    let lane = *lanes.entry(key_id).or_insert_with(|| {
                        ready.push_back(Lane(VecDeque::new()));
                        ready.len() - 1
                    });
                    ready[lane].0.push_back(task);
                }
                None => ready.push_back(Lane(VecDeque::from([task]))),
            }
        }
        Self { ready, stopped, attempted: Vec::new(), from, read_to, last_attempted: 0 }
    }

    /// Takes the next delivery to attempt, and its lane, which comes back with the outcome.
    pub(super) fn next(&mut self) -> Option<(Task, Lane)> {
        let mut lane = self.ready.pop_front()?;
        let task = lane.0.pop_front()?;
        if task.is_new {
            self.last_attempted = self.last_attempted.max(task.delivery.position);
        }
        Some((task, lane))
    }

    /// Takes the outcome of an attempt.
    pub(super) fn attempted(&mut self, delivery: Delivery, lane: Lane) {
        if delivery.attempts.status == DeliveryStatus::Pending {
            self.stopped.extend(lane.0);
        } else if !lane.0.is_empty() {
            self.ready.push_back(lane);
        }
        self.attempted.push(delivery);
    }

    /// Returns the position up to which all events are taken now, and the deliveries to write.
    ///
    /// Events behind the last attempt that were not attempted are read again later. Those before it become deliveries
    /// that wait.
    pub(super) fn finish(self, now: Timestamp) -> (u64, Vec<Delivery>) {
        let is_all_attempted = !self.ready.iter().flat_map(|lane| &lane.0).any(|task| task.is_new);
        let position = if is_all_attempted { self.read_to } else { self.last_attempted.max(self.from) };
        let mut deliveries = self.attempted;
        let is_taken = |task: &Task| task.is_new && task.delivery.position <= position;
        for lane in self.ready {
            let taken = lane.0.into_iter().filter(is_taken);
            for (place, task) in taken.enumerate() {
                let attempts = if place == 0 { Attempts::due(now) } else { Attempts::held() };
                deliveries.push(Delivery { attempts, ..task.delivery });
            }
        }
        deliveries.extend(self.stopped.into_iter().filter(is_taken).map(|task| task.delivery));
        (position, deliveries)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn event(position: u64, key: &str) -> WebhookEvent {
        WebhookEvent {
            position,
            id: position.to_string().into(),
            kind: "k".into(),
            at: NOW,
            key_id: (!key.is_empty()).then(|| KeyId::parse(key).unwrap()),
            owner: None,
            config_id: None,
            actor: "keymint".into(),
            request_id: None,
            data: Map::new(),
        }
    }

    fn plan(events: &[(u64, &str)], blocked: &[&str], read_to: u64) -> Plan {
        let events = events.iter().map(|(position, key)| event(*position, key)).collect();
        let blocked = blocked.iter().map(|key| KeyId::parse(*key).unwrap()).collect();
        Plan::new(&WebhookId::parse("w").unwrap(), Vec::new(), events, &blocked, (0, read_to))
    }

    fn after(task: Task, status: DeliveryStatus) -> Delivery {
        let next_at = (status == DeliveryStatus::Pending).then_some(NOW.plus_millis(5000));
        Delivery { attempts: Attempts { status, count: 1, next_at, ..Attempts::held() }, ..task.delivery }
    }

    /// The position of a delivery, its state, and the time until its next attempt.
    type Row = (u64, DeliveryStatus, Option<u64>);

    /// Attempts everything, of which these positions fail. Returns the order, and the outcome.
    fn run(mut plan: Plan, failing: &[u64], most: usize) -> (Vec<u64>, u64, Vec<Row>) {
        let mut order = Vec::new();
        while order.len() < most
            && let Some((task, lane)) = plan.next()
        {
            let position = task.delivery.position;
            order.push(position);
            let fails = failing.contains(&position);
            let status = if fails { DeliveryStatus::Pending } else { DeliveryStatus::Delivered };
            plan.attempted(after(task, status), lane);
        }
        let (position, mut deliveries) = plan.finish(NOW);
        deliveries.sort_by_key(|delivery| delivery.position);
        let rows = deliveries.into_iter().map(|delivery| {
            let Attempts { status, next_at, .. } = delivery.attempts;
            (delivery.position, status, next_at.map(|at| at.millis_since(NOW)))
        });
        (order, position, rows.collect())
    }

    use DeliveryStatus::{Delivered, Pending};

    #[test]
    fn a_failed_event_holds_up_the_later_ones_of_its_key_and_no_others() {
        let (order, position, rows) = run(plan(&[(1, "a"), (2, "b"), (3, "a"), (4, "b"), (5, "")], &[], 9), &[1], 99);
        assert_eq!((order, position), (vec![1, 2, 5, 4], 9));
        let expected = [
            (1, Pending, Some(5000)),
            (2, Delivered, None),
            (3, Pending, None),
            (4, Delivered, None),
            (5, Delivered, None),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn events_of_a_key_with_a_pending_one_wait() {
        let (order, position, rows) = run(plan(&[(1, "a"), (2, "b")], &["a"], 2), &[], 99);
        assert_eq!((order, position), (vec![2], 2));
        assert_eq!(rows, [(1, Pending, None), (2, Delivered, None)]);
    }

    #[test]
    fn what_was_not_attempted_is_read_again_or_waits_if_it_lies_before_an_attempt() {
        let events = [(1, "a"), (2, "b"), (3, "a"), (4, "a"), (5, "c"), (6, "b")];
        // The order is 1, 2, 5, and then 3: the lane of `a` comes back behind the others.
        let (order, position, rows) = run(plan(&events, &[], 7), &[], 3);
        assert_eq!((order, position), (vec![1, 2, 5], 5));
        let expected = [
            (1, Delivered, None),
            (2, Delivered, None),
            (3, Pending, Some(0)),
            (4, Pending, None),
            (5, Delivered, None),
        ];
        assert_eq!(rows, expected);
        let (order, position, rows) = run(plan(&events, &[], 7), &[], 0);
        assert_eq!((order, position, rows), (vec![], 0, vec![]));
    }

    #[test]
    fn a_due_delivery_that_was_not_attempted_stays_as_it_is() {
        let due = Delivery::of(&WebhookId::parse("w").unwrap(), &event(3, "a"), Attempts::due(NOW));
        let due = vec![(due, Some(event(3, "a")))];
        let mut plan = Plan::new(&WebhookId::parse("w").unwrap(), due, vec![event(8, "b")], &HashSet::new(), (7, 8));
        let (task, lane) = plan.next().unwrap();
        assert_eq!(task.delivery.position, 3);
        plan.attempted(after(task, Delivered), lane);
        let (position, rows) = plan.finish(NOW);
        assert_eq!((position, rows.len()), (7, 1), "the new one is read again");
    }
}
