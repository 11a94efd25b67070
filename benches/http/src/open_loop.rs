//! Latencies at a rate that does not depend on the answers.
//!
//! Each connection has a thread of its own and a timetable. A request that is due while the one before it is still
//! unanswered counts from when it was due, so that a server which stalls is charged for all who would have waited. One
//! that was slept for counts from when it was sent: that a sleep took too long is the load generator's fault.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::Failure;
use crate::api::SERVER_KEY;
use crate::keys::Texts;
use crate::stopwatch::Stopwatch;

/// What one round at a given rate found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Paced {
    pub(crate) answered: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
}

/// Posts verifications to the endpoints in turn, over so many connections for that long, `rate` a second in all.
pub(crate) async fn run(
    urls: &[String],
    texts: Texts,
    connections: NonZeroU32,
    rate: f64,
    seconds: NonZeroU32,
    seed: u32,
) -> Result<Paced, Failure> {
    let pause = f64::from(connections.get()) / rate;
    let watch = Stopwatch::start();
    let lines: Vec<_> = (0..connections.get())
        .zip(urls.iter().cycle())
        .map(|(number, url)| {
            let (url, texts) = (url.clone(), texts.clone());
            let first = pause * f64::from(number) / f64::from(connections.get());
            let line = Line {
                watch,
                first,
                pause,
                last: seconds.get().into(),
                seed: u64::from(seed) << 32 | u64::from(number),
            };
            spawn_blocking(move || line.run(&url, &texts))
        })
        .collect();
    let mut latencies = Vec::new();
    for line in lines {
        latencies.extend(line.await??);
    }
    let took = watch.elapsed().as_secs_f64();
    latencies.sort_by(f64::total_cmp);
    Ok(Paced::of(&latencies, took))
}

impl Paced {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count of one round, which is far below 2^53"
    )]
    fn of(sorted: &[f64], took: f64) -> Self {
        let quantile = |share: f64| {
            let place = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
            sorted.get(place).map_or(0.0, |latency| latency * 1e6)
        };
        Self {
            answered: sorted.len() as u64,
            per_second: sorted.len() as f64 / took,
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            p999_us: quantile(0.999),
        }
    }
}

/// One connection and its timetable, in seconds of the watch.
#[derive(Debug, Clone, Copy)]
struct Line {
    watch: Stopwatch,
    first: f64,
    pause: f64,
    last: f64,
    seed: u64,
}

impl Line {
    fn run(self, url: &str, texts: &Texts) -> Result<Vec<f64>, Failure> {
        let (host, path) = url.trim_start_matches("http://").split_once('/').ok_or("a URL without a path")?;
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        let mut answers = BufReader::new(stream.try_clone()?);
        let mut stream = stream;
        let mut latencies = Vec::new();
        let mut state = self.seed;
        let mut due = self.first;
        while due < self.last {
            let request = request(host, path, &texts.text(next(&mut state, texts.count())));
            let now = self.watch.elapsed().as_secs_f64();
            let from = if now < due {
                thread::sleep(Duration::from_secs_f64(due - now));
                self.watch.elapsed().as_secs_f64()
            } else {
                due
            };
            stream.write_all(request.as_bytes())?;
            read_answer(&mut answers)?;
            latencies.push(self.watch.elapsed().as_secs_f64() - from);
            due += self.pause;
        }
        Ok(latencies)
    }
}

/// What wrk sends, too.
fn request(host: &str, path: &str, key: &str) -> String {
    let body = format!(r#"{{"key":"{key}"}}"#);
    format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SERVER_KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn read_answer(answers: &mut BufReader<TcpStream>) -> Result<(), Failure> {
    let (mut line, mut length) = (String::new(), 0);
    answers.read_line(&mut line)?;
    if line.split(' ').nth(1) != Some("200") {
        return Err(format!("an answer begins {line:?}").into());
    }
    while line != "\r\n" {
        line.clear();
        if answers.read_line(&mut line)? == 0 {
            return Err("an answer breaks off".into());
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    std::io::copy(&mut answers.take(length), &mut std::io::sink())?;
    Ok(())
}

/// A number below `count`, by splitmix64.
#[expect(clippy::cast_possible_truncation, reason = "the rest of a division by a usize")]
fn next(state: &mut u64, count: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % count as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_smallest_value_that_so_many_do_not_exceed() {
        let sorted: Vec<f64> = (1..=1000).map(|micros| f64::from(micros) / 1e6).collect();
        let paced = Paced::of(&sorted, 2.0);
        assert_eq!(paced.answered, 1000);
        let found = [paced.p50_us, paced.p99_us, paced.p999_us].map(|micros| format!("{micros:.0}"));
        assert_eq!(found, ["500", "990", "999"]);
        assert!((paced.per_second - 500.0).abs() < 1e-9);
    }
}
