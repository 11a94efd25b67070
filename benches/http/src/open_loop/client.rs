use std::num::NonZeroU32;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::connection::Connection;
use super::request::{Requests, Target};
use super::timetable::Timetable;
use crate::Failure;
use crate::stopwatch::Stopwatch;

/// The connections, and the thread that serves them.
#[derive(Debug)]
pub(super) struct Client {
    connections: Vec<Connection>,
    requests: Requests,
    timetable: Timetable,
    watch: Stopwatch,
    /// The number in the timetable of the first request that is not due yet.
    upcoming: usize,
    /// The seconds that requests took.
    latencies: Vec<f64>,
}

impl Client {
    /// Connects to the servers at `urls` in turn. The round begins with that.
    pub(super) fn connect(
        urls: &[String],
        requests: Requests,
        connections: NonZeroU32,
        timetable: Timetable,
    ) -> Result<Self, Failure> {
        let targets = urls.iter().cycle().take(connections.get() as usize).enumerate();
        let connections = targets.map(|(place, url)| Connection::open(Target::of(url)?, place));
        Ok(Self {
            connections: connections.collect::<Result<_, _>>()?,
            requests,
            timetable,
            watch: Stopwatch::start(),
            upcoming: 0,
            latencies: Vec::new(),
        })
    }

    /// Sends all requests of the timetable. Returns the seconds that each took, and the total time.
    pub(super) fn run(mut self) -> Result<(Vec<f64>, Duration), Failure> {
        loop {
            self.send_due()?;
            if self.latencies.len() == self.upcoming && self.timetable.due(self.upcoming).is_none() {
                return Ok((self.latencies, self.watch.elapsed()));
            }
            for place in self.wait()? {
                self.receive(place)?;
            }
        }
    }

    /// Sends the requests that are due, except on connections with an answer outstanding.
    fn send_due(&mut self) -> Result<(), Failure> {
        let now = self.watch.elapsed();
        while self.timetable.due(self.upcoming).is_some_and(|due| due <= now) {
            let place = self.upcoming % self.connections.len();
            self.upcoming += 1;
            self.send_next(place)?;
        }
        Ok(())
    }

    /// Sends a connection's next request if it is due and the connection is free.
    fn send_next(&mut self, place: usize) -> Result<(), Failure> {
        let turn = self.connections.len();
        let connection = &mut self.connections[place];
        if connection.is_free()
            && connection.next < self.upcoming
            && let Some(due) = self.timetable.due(connection.next)
        {
            let request = self.requests.next(&connection.target);
            connection.send(&request, due, self.watch)?;
            connection.next += turn;
        }
        Ok(())
    }

    /// Reads from a connection, and sends the request that has waited for it.
    fn receive(&mut self, place: usize) -> Result<(), Failure> {
        if let Some(took) = self.connections[place].receive(self.watch)? {
            self.latencies.push(took.as_secs_f64());
            self.send_next(place)?;
        }
        Ok(())
    }

    /// Sleeps until something can be read or the next request is due, and returns the readable connections.
    ///
    /// A runtime's timers have a resolution of milliseconds, in which many requests would gather; this has nanoseconds.
    fn wait(&self) -> Result<Vec<usize>, Failure> {
        let busy: Vec<_> = self.connections.iter().enumerate().filter(|(_, it)| !it.is_free()).collect();
        let mut watched: Vec<_> = busy.iter().map(|(_, it)| PollFd::new(&it.stream, PollFlags::IN)).collect();
        let due = self.timetable.due(self.upcoming);
        let pause = due.map(|due| Timespec::try_from(due.saturating_sub(self.watch.elapsed()))).transpose()?;
        match poll(&mut watched, pause.as_ref()) {
            Ok(_) => {
                let ready = busy.iter().zip(&watched).filter(|(_, watched)| !watched.revents().is_empty());
                Ok(ready.map(|((place, _), _)| *place).collect())
            }
            Err(Errno::INTR) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}
