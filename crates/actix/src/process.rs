use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::Version;

use crate::request::RequestIds;
use crate::seldom::Seldom;

/// What a process has whatever it is configured to.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) request_ids: RequestIds,
    phase: AtomicU8,
    under_way: AtomicUsize,
    has_http2: AtomicBool,
    /// When it was last logged that somebody asks as a gateway who is none.
    pub(crate) not_a_gateway: Seldom,
}

/// How near its end a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    Serving,
    /// Every answer closes its connection, and `/readyz` says no.
    Draining,
    /// Nothing more is accepted. Connections of HTTP/2, which no answer closes, are refused what they still ask for.
    Closing,
}

/// A request that is served; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay<'a>(&'a Process);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Release);
    }
}

impl Process {
    pub(crate) fn new(instance: [u8; 8]) -> Self {
        Self {
            request_ids: RequestIds::new(instance),
            phase: AtomicU8::new(Phase::Serving as u8),
            under_way: AtomicUsize::new(0),
            has_http2: AtomicBool::new(false),
            not_a_gateway: Seldom::default(),
        }
    }

    /// Counts a request from now on.
    pub(crate) fn begin(&self, version: Version) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        if version == Version::HTTP_2 {
            self.has_http2.store(true, Ordering::Relaxed);
        }
        UnderWay(self)
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(crate) fn has_reached(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Relaxed) >= phase as u8
    }

    /// Returns when no request was under way for `time`, in which the last answers are sent. Where nobody has spoken HTTP/2
    /// it never returns: connections of HTTP/1 close by themselves, when the last byte is out.
    pub(crate) async fn quiet(&self, time: Duration) {
        const LOOKS: u32 = 10;
        if !self.has_http2.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let mut quiet = 0;
        while quiet < LOOKS {
            tokio::time::sleep(time / LOOKS).await;
            quiet = if self.under_way.load(Ordering::Acquire) == 0 { quiet + 1 } else { 0 };
        }
    }
}
