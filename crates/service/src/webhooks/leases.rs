//! The leases of the runs of this process, which a task of their own renews: nothing else that is slow lets one end while
//! its holder works.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use keymint_domain::webhook::WebhookId;
use keymint_ports::StoreError;
use tokio::task::JoinSet;

use super::every;
use super::run::{LeaseEnd, Shared};
use crate::system::millis;

/// The runs of this process with the ends of their leases, and the task that renews them. Dropping it ends the task.
#[derive(Debug)]
pub(super) struct Leases {
    running: Arc<Running>,
    _task: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Running(Mutex<HashMap<WebhookId, LeaseEnd>>);

impl Leases {
    /// Starts to renew the leases of `holder`.
    pub(super) fn of(holder: &Arc<str>, shared: &Arc<Shared>) -> Self {
        let running = Arc::new(Running::default());
        let mut task = JoinSet::new();
        task.spawn(renew_all(Arc::clone(holder), Arc::clone(shared), Arc::clone(&running)));
        Self { running, _task: task }
    }

    /// Adds the run of an endpoint, which takes its lease itself.
    pub(super) fn add(&self, id: WebhookId) -> LeaseEnd {
        let end = LeaseEnd::default();
        self.running.with(|running| running.insert(id, Arc::clone(&end)));
        end
    }

    /// Removes the run of an endpoint. Its lease ends by itself.
    pub(super) fn remove(&self, id: &WebhookId) {
        self.running.with(|running| running.remove(id));
    }

    /// Returns true if an endpoint has a run.
    pub(super) fn contain(&self, id: &WebhookId) -> bool {
        self.running.with(|running| running.contains_key(id))
    }
}

impl Running {
    /// Nothing in here panics, so that a lock is never poisoned.
    fn with<R>(&self, work: impl FnOnce(&mut HashMap<WebhookId, LeaseEnd>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn renew_all(holder: Arc<str>, shared: Arc<Shared>, running: Arc<Running>) {
    let (mut ticks, mut has_failed) = (every(shared.options.lease / 4), false);
    loop {
        ticks.tick().await;
        if running.with(|running| running.is_empty()) {
            continue;
        }
        match renew(&holder, &shared, &running).await {
            Ok(()) => has_failed = false,
            Err(error) if !has_failed => {
                has_failed = true;
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the leases of webhooks could not be renewed; it is tried again");
            }
            Err(_) => {}
        }
    }
}

/// Renews the leases of all runs. A run whose lease is lost ends by itself.
async fn renew(holder: &str, shared: &Shared, running: &Running) -> Result<(), StoreError> {
    let now = shared.ports.clock.now();
    let until = now.plus_millis(millis(shared.options.lease));
    let renewed = shared.ports.store.renew_webhook_leases(holder, now, until).await?;
    let end = until.as_millis();
    running
        .with(|running| renewed.iter().filter_map(|id| running.get(id)).for_each(|it| it.store(end, Ordering::SeqCst)));
    Ok(())
}
