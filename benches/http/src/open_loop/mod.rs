//! Latencies at a rate that does not depend on the answers.
//!
//! Requests have a [timetable], and the connections take them in turn. One thread serves all connections, so that the
//! load generator takes little of the server's processor time: it sends the requests that are due, and sleeps until the
//! next one is due or an answer arrives. Each connection has one request at a time.

mod answer;
mod client;
mod connection;
mod request;
mod timetable;

use std::num::NonZeroU32;

use serde::Serialize;
use tokio::task::spawn_blocking;

use self::client::Client;
use self::request::Requests;
use self::timetable::Timetable;
use crate::Failure;
use crate::endpoint::Endpoint;
use crate::keys::Texts;

/// The results of one round at a given rate.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Paced {
    pub(crate) answered: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
}

/// Uses keys at the servers at `urls` in turn, over `connections` connections for that long, `rate` a second in total.
pub(crate) async fn run(
    urls: &[String],
    texts: Texts,
    endpoint: Endpoint,
    connections: NonZeroU32,
    rate: f64,
    seconds: NonZeroU32,
    seed: u32,
) -> Result<Paced, Failure> {
    let requests = Requests::new(texts, endpoint, seed);
    let timetable = Timetable::new(rate, seconds);
    let urls = urls.to_vec();
    let round = spawn_blocking(move || Client::connect(&urls, requests, connections, timetable)?.run());
    let (mut latencies, took) = round.await??;
    latencies.sort_unstable_by(f64::total_cmp);
    Ok(Paced::of(&latencies, took.as_secs_f64()))
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
