//! Latencies at a rate that does not depend on the answers: an open loop, which wrk does not have.
//!
//! Requests are due at equal distances, and the connections take them in turn. Each connection has a thread that sleeps
//! until its next request is due, sends it, and reads the answer.
//!
//! If the previous request on its connection is unanswered when a request is due, it counts from then: a server that
//! stalls is charged for all who would have waited. A request that is due on a free connection counts from when it is
//! sent, since its thread was asleep until then, which is not the server's fault. But that takes microseconds. A longer
//! delay comes from a machine without a spare core, likely because of the server, so that the part that exceeds
//! [`FORGIVEN`] is charged.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::Failure;
use crate::api::SERVER_KEY;
use crate::draw::{Draw, Home};
use crate::keys::Endpoint;
use crate::load::Target;
use crate::machine::Stopwatch;

/// The largest delay that is the load generator's own fault: timers end up to 50 us late on Linux, and then the thread
/// must wake up.
const FORGIVEN: Duration = Duration::from_micros(100);

/// A round at a given rate.
#[derive(Debug)]
pub(crate) struct Pace {
    pub(crate) draw: Draw,
    pub(crate) endpoint: Endpoint,
    pub(crate) connections: NonZeroU32,
    /// The requests a second, over all connections.
    pub(crate) rate: f64,
    pub(crate) seconds: NonZeroU32,
    /// The seconds whose latencies are reported together.
    pub(crate) each: NonZeroU32,
    pub(crate) seed: u32,
}

impl Pace {
    /// Drives the targets in turn. Returns the latencies, in microseconds, of each interval, and the total time.
    pub(crate) async fn run(self, targets: &[Target]) -> Result<(Vec<Histogram<u64>>, Duration), Failure> {
        let pace = Arc::new(self);
        let mut streams = Vec::new();
        for Target { url, home } in targets.iter().cycle().take(pace.connections.get() as usize) {
            let (host, path) = url.trim_start_matches("http://").split_once('/').ok_or("a URL without a path")?;
            let stream = TcpStream::connect(host)?;
            stream.set_nodelay(true)?;
            let connection = Connection { host: host.to_owned(), path: path.to_owned(), home: *home };
            streams.push((BufReader::new(stream), connection));
        }
        let latencies = Arc::new(Latencies::default());
        let (watch, mut threads) = (Stopwatch::start(), JoinSet::new());
        for (place, (stream, connection)) in (0..).zip(streams) {
            let (pace, latencies) = (Arc::clone(&pace), Arc::clone(&latencies));
            threads.spawn_blocking(move || pace.drive(stream, &connection, place, watch, &latencies));
        }
        while let Some(ended) = threads.join_next().await {
            ended??;
        }
        Ok((latencies.take(), watch.elapsed()))
    }

    fn drive(
        &self,
        mut stream: BufReader<TcpStream>,
        connection: &Connection,
        place: u64,
        watch: Stopwatch,
        all: &Latencies,
    ) -> Result<(), Failure> {
        let (mut interval, mut latencies) = (0, Histogram::new(3)?);
        let mut free = Duration::ZERO;
        for number in (place..).step_by(self.connections.get() as usize) {
            let Some(due) = self.due(number) else { break };
            let request = self.request(number, connection);
            let is_in = due.as_secs() / u64::from(self.each.get());
            if is_in != interval {
                all.add(interval, &latencies)?;
                latencies.reset();
                interval = is_in;
            }
            thread::sleep(due.saturating_sub(watch.elapsed()));
            let asked = counts_from(due, free, watch.elapsed());
            stream.get_mut().write_all(request.as_bytes())?;
            read_answer(&mut stream)?;
            free = watch.elapsed();
            latencies.record(u64::try_from(free.saturating_sub(asked).as_micros())?.max(1))?;
        }
        all.add(interval, &latencies)
    }

    /// Returns the time at which a request is due, since the round's beginning; `None` = there is no such request.
    #[expect(clippy::cast_precision_loss, reason = "counts of one round are far below 2^53")]
    fn due(&self, number: u64) -> Option<Duration> {
        let due = number as f64 / self.rate;
        (due < f64::from(self.seconds.get())).then(|| Duration::from_secs_f64(due))
    }

    /// Returns the same request that wrk sends, with a random key.
    fn request(&self, number: u64, connection: &Connection) -> String {
        let Connection { host, path, home } = connection;
        let key = self.draw.text(self.seed, number, *home);
        match self.endpoint {
            Endpoint::Verify => {
                let body = format!(r#"{{"key":"{key}"}}"#);
                format!(
                    "POST /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SERVER_KEY}\r\n\
                     Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            }
            Endpoint::Authorize => format!(
                "GET /{path} HTTP/1.1\r\nHost: {host}\r\nX-Authz-Server-Key: {SERVER_KEY}\r\nX-API-Key: {key}\r\n\r\n"
            ),
        }
    }
}

/// The requests of one connection.
struct Connection {
    host: String,
    path: String,
    home: Home,
}

/// The latencies of each interval, of all connections.
#[derive(Debug, Default)]
struct Latencies(Mutex<Vec<Histogram<u64>>>);

impl Latencies {
    fn add(&self, interval: u64, latencies: &Histogram<u64>) -> Result<(), Failure> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let interval = usize::try_from(interval)?;
        while all.len() <= interval {
            all.push(Histogram::new(3)?);
        }
        Ok(all[interval].add(latencies)?)
    }

    fn take(&self) -> Vec<Histogram<u64>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the time from which a request counts that was `due` on a connection that was free at `free`, and was sent at
/// `sent`.
fn counts_from(due: Duration, free: Duration, sent: Duration) -> Duration {
    if due < free { due } else { sent.min(due + FORGIVEN) }
}

/// Reads an answer by its content length.
///
/// # Errors
///
/// Fails if its status is not 200, or if there is more: the next request has not been sent.
fn read_answer(stream: &mut BufReader<impl std::io::Read>) -> Result<(), Failure> {
    let (mut line, mut length) = (String::new(), None);
    stream.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200 ") {
        return Err(format!("not every request was answered with 200: {line:?}").into());
    }
    while line.trim_end() != "" {
        line.clear();
        stream.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse()?);
        }
    }
    let mut body = vec![0; length.ok_or("an answer without a content length")?];
    stream.read_exact(&mut body)?;
    if stream.buffer().is_empty() { Ok(()) } else { Err("an answer goes on after its end".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Sort, Texts};

    fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn requests_are_due_evenly_until_the_time_is_over_and_look_as_wrks() {
        let draw = Draw::evenly(Texts::Numbered { sort: Sort::Limited, count: 1 });
        let (connections, seconds, each) = (NonZeroU32::MIN, NonZeroU32::MIN, NonZeroU32::MIN);
        let pace = Pace { draw, endpoint: Endpoint::Verify, connections, rate: 4.0, seconds, each, seed: 1 };
        let due: Vec<_> = (0..).map_while(|number| pace.due(number)).collect();
        assert_eq!(due, [0, 250, 500, 750].map(Duration::from_millis));
        let of = |path: &str| Connection { host: "127.0.0.1:80".into(), path: path.into(), home: Home::ALL };
        let request = pace.request(7, &of("api/verify"));
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /api/verify HTTP/1.1\r\nHost: 127.0.0.1:80\r\n"), "{head}");
        assert!(head.ends_with(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        assert_eq!(body, format!(r#"{{"key":"sk_L{:042}"}}"#, 0));
        let asked = Pace { endpoint: Endpoint::Authorize, ..pace }.request(7, &of("authorize"));
        assert!(asked.ends_with(&format!("\r\nX-API-Key: sk_L{:042}\r\n\r\n", 0)), "{asked}");
    }

    #[test]
    fn latencies_are_kept_by_interval() {
        let latencies = Latencies::default();
        let of = |values: &[u64]| {
            let mut of = Histogram::<u64>::new(3).unwrap();
            for value in values {
                of.record(*value).unwrap();
            }
            of
        };
        latencies.add(2, &of(&[7])).unwrap();
        latencies.add(0, &of(&[1, 2])).unwrap();
        latencies.add(2, &of(&[9])).unwrap();
        let all = latencies.take();
        assert_eq!(all.iter().map(Histogram::len).collect::<Vec<_>>(), [2, 0, 2]);
        assert_eq!((all[0].max(), all[2].min(), all[2].max()), (2, 7, 9));
    }

    #[test]
    fn a_stall_is_charged_and_sleep_is_not() {
        // An answer delayed the request; the thread overslept; the delay was longer than sleep explains.
        assert_eq!(counts_from(us(1000), us(900_000), us(900_001)), us(1000));
        assert_eq!(counts_from(us(1000), us(1000), us(1060)), us(1060));
        assert_eq!(counts_from(us(1000), us(0), us(5000)), us(1100));
    }

    #[test]
    fn an_answer_is_read_to_its_end_and_another_one_is_an_error() {
        let read = |answer: &str| read_answer(&mut BufReader::new(answer.as_bytes()));
        let answer = "HTTP/1.1 200 OK\r\nratelimit: \"rate\";r=1\r\nContent-Length: 4\r\n\r\n{}\r\n";
        assert!(read(answer).is_ok() && read("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_ok());
        for end in 0..answer.len() {
            assert!(read(&answer[..end]).is_err(), "{end}");
        }
        assert!(read(&format!("{answer}H")).is_err());
        for head in ["HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0", "HTTP/1.1 200 OK\r\nage: 1", "SSH-2.0"] {
            assert!(read(&format!("{head}\r\n\r\n")).is_err(), "{head}");
        }
    }
}
