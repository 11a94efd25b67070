use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::answer;
use super::request::Target;
use super::timetable::counts_from;
use crate::Failure;
use crate::stopwatch::Stopwatch;

/// A connection with at most one unanswered request. All times are the watch's.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) target: Target,
    pub(super) stream: TcpStream,
    /// The number in the timetable of the request that it sends next.
    pub(super) next: usize,
    /// The time from which the unanswered request counts.
    asked: Option<Duration>,
    /// The time at which the last answer was read.
    free: Duration,
    /// The part of the answer that was read.
    read: Vec<u8>,
}

impl Connection {
    pub(super) fn open(target: Target, first: usize) -> Result<Self, Failure> {
        let stream = TcpStream::connect(&target.host)?;
        stream.set_nodelay(true)?;
        Ok(Self { target, stream, next: first, asked: None, free: Duration::ZERO, read: Vec::new() })
    }

    pub(super) fn is_free(&self) -> bool {
        self.asked.is_none()
    }

    /// Sends a request on a connection that is free.
    pub(super) fn send(&mut self, request: &str, due: Duration, watch: Stopwatch) -> Result<(), Failure> {
        self.asked = Some(counts_from(due, self.free, watch.elapsed()));
        Ok(self.stream.write_all(request.as_bytes())?)
    }

    /// Reads from the connection. Returns the answer's duration once it is complete.
    pub(super) fn receive(&mut self, watch: Stopwatch) -> Result<Option<Duration>, Failure> {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk)? {
            0 => return Err("an answer breaks off".into()),
            count => self.read.extend_from_slice(&chunk[..count]),
        }
        if !answer::is_whole(&self.read)? {
            return Ok(None);
        }
        self.read.clear();
        self.free = watch.elapsed();
        Ok(self.asked.take().map(|asked| self.free.saturating_sub(asked)))
    }
}
