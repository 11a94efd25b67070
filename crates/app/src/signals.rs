//! The operating system's signals to the server.

use std::io;

/// The signals of Unix, caught from when this is made.
#[cfg(unix)]
pub(crate) use unix::{ReloadSignal, StopSignal};

#[cfg(not(unix))]
pub(crate) use elsewhere::{ReloadSignal, StopSignal};

#[cfg(unix)]
mod unix {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::io;

    /// SIGTERM and SIGINT.
    pub(crate) struct StopSignal {
        terminate: Signal,
        interrupt: Signal,
    }

    impl StopSignal {
        pub(crate) fn catch() -> io::Result<Self> {
            Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        }

        /// Waits for the next signal.
        pub(crate) async fn asked(&mut self) {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        }
    }

    /// SIGHUP.
    pub(crate) struct ReloadSignal(Signal);

    impl ReloadSignal {
        pub(crate) fn catch() -> io::Result<Self> {
            Ok(Self(signal(SignalKind::hangup())?))
        }

        /// Waits for the next signal. Several that arrive meanwhile count as one.
        pub(crate) async fn asked(&mut self) {
            self.0.recv().await;
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use super::io;

    /// Ctrl-C.
    pub(crate) struct StopSignal;

    impl StopSignal {
        #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
        pub(crate) fn catch() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits for the next signal.
        pub(crate) async fn asked(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// A signal that never arrives on other systems.
    pub(crate) struct ReloadSignal;

    impl ReloadSignal {
        #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
        pub(crate) fn catch() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits for ever.
        pub(crate) async fn asked(&mut self) {
            std::future::pending::<()>().await;
        }
    }
}
