use std::net::IpAddr;
use std::sync::Arc;

use keymint_domain::event::{Actor, Origin};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::Entropy;
use tokio::sync::Notify;

use crate::Caller;

/// Decides whether changes are recorded as events. By default they are not.
///
/// Its clones belong together: a change that one of them records soon wakes the sealer, and the sealer the deliveries.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    is_on: bool,
    actor: Option<Actor>,
    wake: Arc<Wake>,
}

/// Signals within the process, which save most of the time between two looks.
#[derive(Debug, Default)]
struct Wake {
    recorded: Notify,
    sealed: Notify,
}

/// The source of a request: where it came from, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The server key that authenticated the request; `None` = it was given at start, or there was none.
    pub server_key: Option<KeyId>,
    /// The address of the client.
    pub client: Option<IpAddr>,
    /// The id of the request.
    pub request_id: Option<Box<str>>,
}

/// The caller of a use case, with the source of the request.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) source: Source,
}

impl<'a> Context<'a> {
    /// Makes the context of a request.
    pub fn new(caller: &'a Caller, source: Source) -> Self {
        Self { caller, source }
    }

    /// Returns the actor of the caller's changes.
    pub fn actor(&self) -> Actor {
        match self.caller {
            Caller::Server => self.source.server_key.clone().map_or(Actor::Server, Actor::ServerKey),
            Caller::User(user) | Caller::Operator(user) => Actor::User(user.clone()),
            Caller::Portal { owner, may: _ } => Actor::Portal(owner.clone()),
            Caller::KeyHolder { user, .. } => Actor::KeySession(user.clone()),
            Caller::Gateway | Caller::Anyone => Actor::Anyone,
        }
    }
}

/// A caller whose source is not known.
impl<'a> From<&'a Caller> for Context<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self::new(caller, Source::default())
    }
}

impl Recorder {
    /// Records changes.
    pub fn on() -> Self {
        Self { is_on: true, ..Self::default() }
    }

    /// Records all changes as those of one actor, such as a command.
    #[must_use]
    pub fn by(self, actor: Actor) -> Self {
        Self { actor: Some(actor), ..self }
    }

    /// Returns true if changes are recorded.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Returns the actor of a change by `actor`: the one of all changes, if there is one.
    pub(crate) fn actor(&self, actor: Actor) -> Actor {
        self.actor.clone().unwrap_or(actor)
    }

    /// Returns the origin of a change by `actor`.
    pub(crate) fn origin(&self, actor: Actor, source: &Source, now: Timestamp, entropy: &dyn Entropy) -> Origin {
        if !self.is_on {
            return Origin::unrecorded();
        }
        let actor = self.actor(actor);
        let mut origin = Origin::new(actor, now, &mut |bytes: &mut [u8]| entropy.fill(bytes));
        origin.client = source.client;
        origin.request_id.clone_from(&source.request_id);
        self.wake.recorded.notify_one();
        origin
    }

    /// Waits until a change is under way that was not waited for yet.
    pub(crate) async fn has_recorded(&self) {
        self.wake.recorded.notified().await;
    }

    /// Ends one wait for sealed events, or the next one.
    pub(crate) fn tell_sealed(&self) {
        self.wake.sealed.notify_one();
    }

    /// Waits until events were sealed in this process.
    pub(crate) async fn has_sealed(&self) {
        self.wake.sealed.notified().await;
    }
}
