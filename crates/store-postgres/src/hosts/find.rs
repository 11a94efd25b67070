use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use super::history::{History, Refused, choose, written};
use super::look::{Answer, Watched};
use crate::ConnectError;
use crate::url::Host;

/// The pause between two looks at hosts none of which takes writes.
pub(super) const RETRY: Duration = Duration::from_millis(250);

/// The hosts of a database, and the one that takes writes.
pub(crate) struct Found {
    pub(super) hosts: Vec<Watched>,
    pub(super) present: usize,
    pub(super) timeline: u32,
    pub(crate) history: Arc<History>,
    /// The hosts that may not be written to, with the reasons.
    pub(super) refused: Vec<Option<Refused>>,
}

/// Looks at all hosts at once, again and again, until one of them takes writes.
///
/// # Errors
/// [`ConnectError::NoHost`] after `patience`, [`ConnectError::Strangers`]
pub(crate) async fn find(hosts: Vec<Host>, patience: Duration) -> Result<Found, ConnectError> {
    let mut hosts: Vec<Watched> = hosts.into_iter().map(Watched::new).collect();
    let mut last = Vec::new();
    let looked = async {
        loop {
            let seen = look(&mut hosts).await;
            let timelines: Vec<Result<u32, Refused>> =
                seen.iter().map(|seen| written(seen.as_ref().map_err(Clone::clone)?)).collect();
            if let Some(present) = choose(None, &timelines) {
                return (seen, timelines, present);
            }
            last = timelines;
            sleep(RETRY).await;
        }
    };
    let Ok((seen, timelines, present)) = timeout(patience, looked).await else {
        let unlooked = || Refused::Silent("it does not answer in time".to_owned());
        let mut reasons = last.into_iter().map(|timeline| timeline.err().unwrap_or_else(unlooked));
        let hosts =
            hosts.iter().map(|watched| format!("{}: {}", watched.host.name, reasons.next().unwrap_or_else(unlooked)));
        return Err(ConnectError::NoHost { hosts: hosts.collect() });
    };
    let systems = || {
        seen.iter().zip(&hosts).filter_map(|(seen, watched)| Some((&seen.as_ref().ok()?.system, &watched.host.name)))
    };
    let strangers = systems()
        .find_map(|one| systems().find(|other| other.0 != one.0).map(|other| [one.1.clone(), other.1.clone()]));
    if let Some(hosts) = strangers {
        return Err(ConnectError::Strangers { hosts });
    }
    let (Some(Ok(Answer { system, .. })), Some(Ok(timeline))) = (seen.get(present), timelines.get(present)) else {
        return Err(ConnectError::NoHost { hosts: Vec::new() });
    };
    let timeline = *timeline;
    let history = Arc::new(History::new(system.clone(), timeline));
    let refused = seen.iter().map(|seen| admit(&history, seen).err()).collect();
    Ok(Found { hosts, present, timeline, history, refused })
}

/// Looks at all hosts at once.
pub(super) async fn look(hosts: &mut [Watched]) -> Vec<Result<Answer, Refused>> {
    let is_alone = hosts.len() == 1;
    let look = async |watched: &mut Watched| {
        let answer = watched.look().await.map_err(Refused::Silent);
        // An address alone may lead to another server the next time.
        if is_alone && answer.as_ref().is_ok_and(|answer| written(answer).is_err()) {
            watched.forget_connection();
        }
        answer
    };
    join_all(hosts.iter_mut().map(look)).await
}

/// Returns the timeline of a host that may be written to.
pub(super) fn admit(history: &History, seen: &Result<Answer, Refused>) -> Result<u32, Refused> {
    history.admit(seen.as_ref().map_err(Clone::clone)?)
}

impl Found {
    /// Returns the host that takes writes.
    pub(crate) fn present(&self) -> &Host {
        &self.hosts[self.present].host
    }

    /// Returns one line about the hosts, for the operator.
    pub(crate) fn describe(&self) -> String {
        let mut line = format!("{} takes the writes, on timeline {}", self.present().name, self.timeline);
        for (index, (watched, refused)) in self.hosts.iter().zip(&self.refused).enumerate() {
            let name = &watched.host.name;
            let _ = match refused {
                _ if index == self.present => Ok(()),
                Some(refused) => write!(line, "; {name}: {refused}"),
                None => write!(line, "; {name}: it takes writes too"),
            };
        }
        line
    }
}
