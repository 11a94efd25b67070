//! The keys that requests use, in random order.
//!
//! A request's key follows from a seed and the request's number, so that the same keys are drawn beforehand for wrk and
//! one by one for an even rate.

use crate::keys::Texts;

/// The requests that are drawn beforehand for a round. Making them meanwhile would take a core from the servers.
const SAMPLE: u64 = 400_000;

/// The distribution of requests over keys.
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    texts: Texts,
    /// Keys are not equally likely: by Zipf's law with exponent 1, the second most used key has half of the uses of the
    /// most used one, the third a third, and so on.
    is_skewed: bool,
}

/// The place of a process among those that share the keys: of these processes, each has its own keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) place: usize,
    pub(crate) of: usize,
}

impl Home {
    /// The home of all keys.
    pub(crate) const ALL: Self = Self { place: 0, of: 1 };
}

impl Draw {
    /// Returns a draw of equally likely keys.
    pub(crate) fn evenly(texts: Texts) -> Self {
        Self { texts, is_skewed: false }
    }

    /// Returns a draw by Zipf's law with exponent 1.
    pub(crate) fn skewed(texts: Texts) -> Self {
        Self { texts, is_skewed: true }
    }

    /// Returns the keys to draw from.
    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Returns the key of a request among the keys of `home`, of which there must be one.
    pub(crate) fn text(&self, seed: u32, number: u64, home: Home) -> String {
        let mut random = Random::new(seed, number);
        loop {
            let key = self.number(&mut random);
            if key % home.of == home.place {
                return self.texts.text(key);
            }
        }
    }

    /// Returns the keys of a round's requests.
    pub(crate) fn sample(&self, seed: u32, home: Home) -> impl Iterator<Item = String> {
        let size = if self.texts.count() == 1 { 1 } else { SAMPLE };
        (0..size).map(move |number| self.text(seed, number, home))
    }

    fn number(&self, random: &mut Random) -> usize {
        let count = self.texts.count();
        if self.is_skewed { scattered(zipf(count, random), count) } else { random.below(count) }
    }
}

/// Returns a number from 0, `number` with a probability in proportion to 1 / (`number` + 1).
///
/// This is Hörmann and Derflinger's rejection-inversion for exponent 1, whose integral is the logarithm.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to count")]
fn zipf(count: usize, random: &mut Random) -> usize {
    let (least, most) = (1.5_f64.ln() - 1.0, (count as f64 + 0.5).ln());
    loop {
        let under = least + random.unit() * (most - least);
        let rank = under.exp().round().clamp(1.0, count as f64);
        if under >= (rank + 0.5).ln() - 1.0 / rank {
            return rank as usize - 1;
        }
    }
}

/// Returns another number below `count` for each number, so that the most used keys are not neighbours in a table.
#[expect(clippy::cast_possible_truncation, reason = "the rest of a division by a usize")]
fn scattered(number: usize, count: usize) -> usize {
    // It shares no factor with any smaller count.
    const PRIME: u64 = 2_654_435_761;
    (number as u64 * PRIME % count as u64) as usize
}

/// Numbers that look random, by splitmix64. Every request of every seed has its own.
struct Random(u64);

impl Random {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    fn new(seed: u32, number: u64) -> Self {
        Self(mixed(((u64::from(seed) << 32) + number).wrapping_mul(Self::STEP)))
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::STEP);
        mixed(self.0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the rest of a division by a usize")]
    fn below(&mut self, count: usize) -> usize {
        (self.draw() % count as u64) as usize
    }

    /// Returns a number from 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::keys::Sort;

    const REQUESTS: u32 = 200_000;

    fn texts(count: usize) -> Texts {
        Texts::Numbered { sort: Sort::Limited, count }
    }

    /// Returns the number of requests for each key, the most used one first.
    fn uses(draw: &Draw) -> Vec<u32> {
        let mut uses = HashMap::new();
        for number in 0..REQUESTS {
            *uses.entry(draw.text(1, u64::from(number), Home::ALL)).or_insert(0) += 1;
        }
        let mut uses: Vec<u32> = uses.into_values().collect();
        uses.sort_unstable_by(|use_, other| other.cmp(use_));
        uses
    }

    #[test]
    fn the_nth_key_has_an_nth_of_the_uses_of_the_first() {
        let uses = uses(&Draw::skewed(texts(10)));
        assert_eq!(uses.len(), 10);
        let sum: f64 = (1..=10).map(|rank| 1.0 / f64::from(rank)).sum();
        for (rank, count) in (1..).zip(&uses) {
            let share = f64::from(*count) * f64::from(rank) * sum / f64::from(REQUESTS);
            assert!((0.97..1.03).contains(&share), "{rank}: {share} in {uses:?}");
        }
    }

    #[test]
    fn equally_likely_keys_are_all_used_and_equally() {
        let uses = uses(&Draw::evenly(texts(10)));
        assert!(uses.len() == 10 && uses[0] < 20_600 && uses[9] > 19_400, "{uses:?}");
    }

    #[test]
    fn each_key_is_scattered_to_a_place_of_its_own() {
        for count in [1, 2, 1000, 65_536, 99_999] {
            let places: HashSet<_> = (0..count).map(|number| scattered(number, count)).collect();
            assert!(places.len() == count && places.iter().all(|place| *place < count), "{count}");
        }
        assert!(scattered(0, 10_000_000).abs_diff(scattered(1, 10_000_000)) > 1_000_000);
    }

    #[test]
    fn homes_share_the_keys_and_have_none_in_common() {
        let draw = Draw::skewed(texts(100));
        let of = |place| -> HashSet<String> {
            (0..5000).map(|number| draw.text(1, number, Home { place, of: 4 })).collect()
        };
        let homes: Vec<_> = (0..4).map(of).collect();
        assert_eq!(homes.iter().map(HashSet::len).sum::<usize>(), 100);
        assert_eq!(homes.iter().flatten().collect::<HashSet<_>>().len(), 100);
    }

    #[test]
    fn a_sample_depends_on_its_seed_alone_and_one_key_needs_one_request() {
        let draw = Draw::evenly(texts(1_000_000));
        let first = |seed| -> Vec<String> { draw.sample(seed, Home::ALL).take(100).collect() };
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
        assert_eq!(draw.sample(1, Home::ALL).count(), 400_000);
        assert_eq!(Draw::evenly(texts(1)).sample(1, Home::ALL).count(), 1);
    }
}
