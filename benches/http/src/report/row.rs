use serde::Serialize;

use crate::batches::Batch;
use crate::figures::Spread;
use crate::load::Round;
use crate::open_loop::Paced;
use crate::rounds::{AtPoint, Point};
use crate::subject::Kind;

/// The figures of one subject at one point.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) subject: Kind,
    #[serde(flatten)]
    pub(super) point: Point,
    pub(super) per_second: Spread,
    /// The ratio to the bare endpoint, each round to the same round's.
    pub(super) ratio: Spread,
    /// The ratio to the same subject with the first pick and endpoint, each round to the same round's.
    pub(super) to_first: Spread,
    pub(super) p50_us: Spread,
    pub(super) p99_us: Spread,
    pub(super) batches: Option<Batching>,
    pub(super) at_half: Option<AtHalf>,
    rounds: Vec<Round>,
}

/// Means over the batches of a round, if the server reports them.
#[derive(Debug, Serialize)]
pub(super) struct Batching {
    pub(super) size: Spread,
    pub(super) wait_us: Spread,
}

/// The results at half of the median rate.
#[derive(Debug, Serialize)]
pub(super) struct AtHalf {
    pub(super) per_second: Spread,
    pub(super) p50_us: Spread,
    pub(super) p99_us: Spread,
    pub(super) p999_us: Spread,
}

impl Row {
    #[expect(clippy::cast_precision_loss, reason = "a latency in microseconds is far below 2^53")]
    pub(super) fn new(subject: Kind, at: &AtPoint, bare: &[f64], first: &[f64]) -> Self {
        let AtPoint { point, rounds, batches, at_half } = at;
        let of = |figure: fn(&Round) -> f64| Spread::of(rounds.iter().map(figure));
        let to =
            |others: &[f64]| Spread::of(rounds.iter().zip(others).map(|(round, other)| round.per_second() / other));
        Self {
            subject,
            point: *point,
            per_second: of(Round::per_second),
            ratio: to(bare),
            to_first: to(first),
            p50_us: of(|round| round.p50_us as f64),
            p99_us: of(|round| round.p99_us as f64),
            batches: Batching::of(batches),
            at_half: AtHalf::of(at_half),
            rounds: rounds.clone(),
        }
    }
}

impl Batching {
    fn of(batches: &[Batch]) -> Option<Self> {
        let of = |figure: fn(&Batch) -> f64| Spread::of(batches.iter().map(figure));
        (!batches.is_empty()).then(|| Self { size: of(|batch| batch.size), wait_us: of(|batch| batch.wait_us) })
    }
}

impl AtHalf {
    fn of(rounds: &[Paced]) -> Option<Self> {
        let of = |figure: fn(&Paced) -> f64| Spread::of(rounds.iter().map(figure));
        (!rounds.is_empty()).then(|| Self {
            per_second: of(|round| round.per_second),
            p50_us: of(|round| round.p50_us),
            p99_us: of(|round| round.p99_us),
            p999_us: of(|round| round.p999_us),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::keys::Pick;

    fn at(answered: &[u64]) -> AtPoint {
        let round = |answered| Round { answered, took_us: 500_000, p50_us: 1500, p99_us: 3000, refused: 0, broken: 0 };
        let rounds = answered.iter().copied().map(round).collect();
        let point = Point { connections: NonZeroU32::MIN, pick: Pick::Spread, endpoint: Endpoint::Verify };
        AtPoint { rounds, ..AtPoint::new(point) }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let bare: Vec<f64> = at(&[100, 400, 200]).rounds.iter().map(Round::per_second).collect();
        let row = Row::new(Kind::Sqlite, &at(&[50, 100, 150]), &bare, &bare);
        assert_eq!(row.per_second, Spread { median: 200.0, min: 100.0, max: 300.0 });
        assert_eq!(row.ratio, Spread { median: 0.5, min: 0.25, max: 0.75 });
        assert_eq!(row.p50_us, Spread { median: 1500.0, min: 1500.0, max: 1500.0 });
        assert!(row.at_half.is_none());
    }
}
