use std::sync::Arc;

use keymint_domain::Timestamp;
use keymint_domain::event::{Actor, Origin};
use keymint_ports::{Clock, Entropy};

use crate::{OsEntropy, Recorder, Source, SystemClock};

/// What a service takes from outside besides its store: the time, randomness, and whether changes are recorded.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) recorder: Recorder,
}

impl Default for Surroundings {
    /// Returns those of the operating system. Nothing is recorded.
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy), recorder: Recorder::default() }
    }
}

impl Surroundings {
    /// Returns the current instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Fills `bytes` with randomness.
    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        self.entropy.fill(bytes);
    }

    /// Returns the origin of a change by `actor`.
    pub(crate) fn origin(&self, actor: Actor, source: &Source, now: Timestamp) -> Origin {
        self.recorder.origin(actor, source, now, &*self.entropy)
    }
}

/// States how a service with the field `surroundings` is given others: `with_clock`, `with_entropy` and, unless the service
/// has one of its own, `with_recorder`.
macro_rules! takes_surroundings {
    ($service:ident) => {
        $crate::surroundings::takes_surroundings!($service, except the recorder);

        impl $service {
            /// Sets whether changes are recorded as events; by default they are not.
            #[must_use]
            pub fn with_recorder(mut self, recorder: $crate::Recorder) -> Self {
                self.surroundings.recorder = recorder;
                self
            }
        }
    };
    ($service:ident, except the recorder) => {
        impl $service {
            /// Sets the clock; the default is the system clock.
            #[must_use]
            pub fn with_clock(mut self, clock: std::sync::Arc<dyn keymint_ports::Clock>) -> Self {
                self.surroundings.clock = clock;
                self
            }

            /// Sets the source of random bytes; the default is the operating system.
            #[must_use]
            pub fn with_entropy(mut self, entropy: std::sync::Arc<dyn keymint_ports::Entropy>) -> Self {
                self.surroundings.entropy = entropy;
                self
            }
        }
    };
}

pub(crate) use takes_surroundings;
