//! The background job that looks after keys: it makes the events of notices and of anomalies.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::anomaly::{
    HOURS_READ, HourCounts, MIN_SILENT_CALLS, MIN_UNUSUAL_CALLS, Progress, Reason, judge, may_be_unusual,
};
use keymint_domain::event::{Actor, Event};
use keymint_domain::key::RotationChange;
use keymint_domain::metering::{Hour, LastUse, Series, Step, UsageSelection, Window};
use keymint_domain::notice::{UseFacts, due};
use keymint_domain::policy::{ConfigFilter, Notices};
use keymint_domain::{ApiKey, KeyId, Timestamp};
use keymint_ports::{BusyKey, EventStore, StoreError, SurveyQuery, SurveyStore, SurveyedKey};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::pace::Pace;
use crate::system::millis;
use crate::usage::Usage;
use crate::{Keys, ServiceError, stopwatch};

/// The largest number of keys that one statement reads.
const PORTION: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// The time before the previous run for which a run looks again. Another process may have used a key or changed it.
const OVERLAP_MS: u64 = 3_600_000;

/// The time for which an hour may still be written, behind what processes gather and then add: they do not tell when they
/// have.
const SETTLED_AFTER_MS: u64 = 60_000;

/// The time for which a network that a key is not used from any more is remembered: 90 days.
const NETWORKS_KEPT_MS: u64 = 90 * 86_400_000;

/// The running job. Dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    _task: JoinSet<()>,
}

/// The progress of the job in one process. Another process, or the same one after a restart, begins anew: events that
/// exist are not made again.
#[derive(Debug, Default)]
struct Done {
    /// The instant of the last run that made all notices.
    notices: Option<Timestamp>,
    /// The last hour that was judged as over.
    hour: Option<Hour>,
}

impl Watch {
    /// Starts the job on the current Tokio runtime. Any number of processes may run it on one database: each event
    /// exists once.
    ///
    /// A run that fails is logged, and the next one retries.
    pub fn start(keys: Arc<Keys>, events: Arc<dyn EventStore>, every: Duration) -> Self {
        let mut task = JoinSet::new();
        task.spawn(async move {
            // Tokio rejects an interval of zero.
            let mut ticks = interval(every.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut done = Done::default();
            loop {
                ticks.tick().await;
                let outcome = keys.watch_once(&*events, &mut done).await;
                keys.meter.watched(outcome.is_ok());
                if let Err(error) = outcome {
                    tracing::warn!(error = &error as &dyn std::error::Error, "keys could not be looked after");
                }
            }
        });
        Self { _task: task }
    }
}

impl Keys {
    /// Makes the events of all notices and anomalies that are due. Returns the number of events that are new.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Events that were made before stay.
    pub async fn watch(&self, events: &dyn EventStore) -> Result<u64, ServiceError> {
        self.watch_once(events, &mut Done::default()).await
    }

    async fn watch_once(&self, events: &dyn EventStore, done: &mut Done) -> Result<u64, ServiceError> {
        let now = self.clock.now();
        let mut made = 0;
        if let Some(survey) = &self.survey {
            let since = done.notices.map(|at| at.minus_millis(OVERLAP_MS));
            let since = since.max(self.notices_within.map(|within| now.minus_millis(millis(within))));
            made += self.make_notices(&**survey, events, since, now).await?;
            survey.forget_networks(now.minus_millis(NETWORKS_KEPT_MS), PORTION).await?;
            done.notices = Some(now);
            if let Some(usage) = &self.usage
                && self.policy.configurations().iter().any(|configuration| configuration.anomalies)
            {
                let finder = Finder { keys: self, survey: &**survey, usage, events, now };
                let hour = Hour::of(now);
                made += finder.find(hour, Progress::Running).await?;
                let gathered = 2 * millis(usage.options().longest_interval);
                let over = Hour::of(now.minus_millis(gathered + SETTLED_AFTER_MS)).previous();
                if done.hour < Some(over) {
                    made += finder.find(over, Progress::Over).await?;
                    done.hour = Some(over);
                }
            }
        }
        Ok(made)
    }

    /// Makes the notices that became due since an instant; `None` = all that are not too late.
    async fn make_notices(
        &self,
        survey: &dyn SurveyStore,
        events: &dyn EventStore,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<u64, ServiceError> {
        let (mut pace, mut after, mut made) = (Pace::of(PORTION), None, 0);
        loop {
            let began = stopwatch();
            let query = SurveyQuery {
                owner: None,
                configurations: ConfigFilter::Any,
                // No sums are needed.
                uses_since: Hour::of(now),
                after: after.take(),
                limit: pace.portion(),
            };
            let portion = survey.survey(&query).await?;
            for surveyed in &portion.keys {
                self.end_rotation(&surveyed.key, now).await?;
                made += self.watch_network(survey, events, surveyed, since, now).await?;
                let facts = UseFacts {
                    last_used_at: surveyed.last_use.map(|last| last.at),
                    rotated_at: surveyed.key.details.rotated_at,
                };
                for notice in due(&surveyed.key, facts, self.notices_of(&surveyed.key), now) {
                    if since.is_none_or(|since| notice.due_at >= since) {
                        made += self.make(events, &Event::of_notice(&surveyed.key.details, &notice, now)).await?;
                    }
                }
            }
            after = portion.next;
            if after.is_none() {
                return Ok(made);
            }
            pace.rest(began.elapsed()).await;
        }
    }

    /// Ends the rotation of a key whose time has come, if no use has ended it.
    async fn end_rotation(&self, key: &ApiKey, now: Timestamp) -> Result<(), ServiceError> {
        if key.details.rotation.as_ref().is_some_and(|rotation| rotation.ends_at() <= now) {
            let origin = self.own_origin(Actor::Keymint, now);
            let outcome = self.store.rotate(&key.details.id, &RotationChange::EndDue, now, &origin).await;
            self.forget(key.details.stored_forms()).await;
            // A row that is locked is ended later.
            match outcome {
                Err(StoreError::Locked) | Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Judges the network of a key's last use, and remembers it.
    ///
    /// Only the network of the last use is known, so that a single call between others may pass unseen.
    async fn watch_network(
        &self,
        survey: &dyn SurveyStore,
        events: &dyn EventStore,
        SurveyedKey { key, last_use, .. }: &SurveyedKey,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<u64, ServiceError> {
        let is_watched = self.policy.resolve(&key.details.config_id).is_ok_and(|found| found.anomalies);
        let Some(LastUse { at, network: Some(network) }) = last_use.filter(|_| is_watched) else { return Ok(0) };
        if since.is_some_and(|since| at < since) {
            return Ok(0);
        }
        let network = network.to_string();
        let mut known = survey.known_networks(&key.details.id).await?;
        if known.is_fresh(&network, at) {
            return Ok(0);
        }
        let is_anomaly = known.observe(&network, at);
        let made = if is_anomaly {
            self.make(events, &Event::of_new_network(&key.details, &network, at, now)).await?
        } else {
            0
        };
        // Last, so that a run that fails in between is repeated.
        survey.note_network(&key.details.id, &network, at).await?;
        Ok(made)
    }

    fn notices_of(&self, key: &ApiKey) -> &Notices {
        const NONE: &Notices = &Notices { expiring_days: Vec::new(), idle_days: None, rotation_days: None };
        self.policy.resolve(&key.details.config_id).map_or(NONE, |configuration| &configuration.notices)
    }

    /// Records an event. Returns 1 if it is new.
    async fn make(&self, events: &dyn EventStore, event: &Event) -> Result<u64, ServiceError> {
        let is_new = events.record(event).await?;
        if is_new {
            self.meter.noticed(event.kind);
            tracing::info!(
                kind = event.kind.as_str(),
                key = event.subject.key_id.as_ref().map(KeyId::as_str),
                "noticed"
            );
        }
        Ok(is_new.into())
    }
}

/// Looks for anomalies.
struct Finder<'a> {
    keys: &'a Keys,
    survey: &'a dyn SurveyStore,
    usage: &'a Usage,
    events: &'a dyn EventStore,
    now: Timestamp,
}

impl Finder<'_> {
    /// Judges an hour of all keys that may have an anomaly in it.
    async fn find(&self, hour: Hour, progress: Progress) -> Result<u64, ServiceError> {
        let mut made = self.find_rises(hour, progress).await?;
        if progress == Progress::Over {
            made += self.find_silences(hour).await?;
        }
        Ok(made)
    }

    async fn find_rises(&self, hour: Hour, progress: Progress) -> Result<u64, ServiceError> {
        let (mut after, mut made) = (None, 0);
        loop {
            let page = self.survey.busy_keys(hour, MIN_UNUSUAL_CALLS, after.take(), PORTION).await?;
            for key in page.iter().filter(|key| may_be_unusual(key.calls, key.week_before)) {
                made += self.judge(&key.id, hour, progress, false).await?;
            }
            after = last_of_full(page);
            if after.is_none() {
                return Ok(made);
            }
        }
    }

    /// Looks for silences of keys that were used at this time a week ago. Most of them were used in the hour, which one
    /// statement says of all of them.
    async fn find_silences(&self, hour: Hour) -> Result<u64, ServiceError> {
        let (mut after, mut made) = (None, 0);
        loop {
            let page = self.survey.busy_keys(hour.minus_days(7), MIN_SILENT_CALLS, after.take(), PORTION).await?;
            let ids: Vec<KeyId> = page.iter().map(|key| key.id.clone()).collect();
            for activity in self.usage.store().find_activities(&ids).await? {
                if activity.last_use.is_some_and(|last| last.at < hour.start()) {
                    made += self.judge(&activity.key, hour, Progress::Over, true).await?;
                }
            }
            after = last_of_full(page);
            if after.is_none() {
                return Ok(made);
            }
        }
    }

    /// Judges an hour of a key, for a silence or for a rise.
    async fn judge(
        &self,
        id: &KeyId,
        hour: Hour,
        progress: Progress,
        is_for_silence: bool,
    ) -> Result<u64, ServiceError> {
        let Some(key) = self.keys.store.find(id).await? else { return Ok(0) };
        let is_watched = self.keys.policy.resolve(&key.details.config_id).is_ok_and(|found| found.anomalies);
        // A key that is refused whatever it does falls silent for that reason.
        let is_dead = !key.is_living(self.now) || !key.details.enabled;
        if !is_watched || is_for_silence && is_dead {
            return Ok(0);
        }
        let began = stopwatch();
        let hours = self.hours(&key, hour).await?;
        Pace::of(NonZeroU32::MIN).rest(began.elapsed()).await;
        let mut made = 0;
        for anomaly in judge(&hours, progress) {
            if (anomaly.reason == Reason::Drop) == is_for_silence {
                let event = Event::of_anomaly(&key.details, hour, &anomaly, self.now);
                made += self.keys.make(self.events, &event).await?;
            }
        }
        Ok(made)
    }

    /// Returns the key's hours up to `last`, from its creation on, or as many as are read and kept.
    async fn hours(&self, key: &ApiKey, last: Hour) -> Result<Vec<HourCounts>, ServiceError> {
        let read = i64::try_from(HOURS_READ).unwrap_or(i64::MAX);
        let kept = Hour::of(self.now).minus_days(self.usage.options().hours_days).day();
        let first = Hour::from_number(last.number() + 1 - read).max(kept).max(Hour::of(key.details.created_at));
        let end = Hour::from_number(last.number() + 1);
        let Ok(window) = Window::new(first.start(), end.start(), Step::Hour) else { return Ok(Vec::new()) };
        let selection = UsageSelection::of_key(key.details.id.clone());
        let sums = self.usage.store().sum_usage(&selection, &window).await?;
        let counts = |point: &keymint_domain::metering::Point| HourCounts {
            accepted: point.counts.accepted,
            refused: point.counts.refused(),
        };
        Ok(Series::new(&window, &sums).points.iter().map(counts).collect())
    }
}

/// Returns the key behind which the next page begins; `None` = this was the last page.
fn last_of_full(page: Vec<BusyKey>) -> Option<KeyId> {
    page.into_iter().nth(PORTION.get() as usize - 1).map(|last| last.id)
}
