use std::f64::consts::TAU;

/// A generator of random numbers whose stream depends on its seed alone, for ever: `SplitMix64`.
///
/// A library's generator may change its stream between versions, and the figures in the documents with it.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Returns the generator of one purpose of one key of one seed.
    ///
    /// Purposes have streams of their own, so that a change of one leaves the others as they are.
    pub fn new(seed: u64, key: u32, purpose: u64) -> Self {
        let mut dice = Self(seed ^ 0x6b65_796d_696e_7400);
        for part in [u64::from(key), purpose] {
            dice = Self(dice.bits() ^ part);
        }
        dice
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a number from 0 up to but not 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a number between `from` and `to`.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// Returns a number between `from` and `to` whose logarithm is evenly distributed.
    pub fn magnitude(&mut self, from: f64, to: f64) -> f64 {
        self.between(from.ln(), to.ln()).exp()
    }

    /// Returns an index below `len`.
    pub fn index(&mut self, len: usize) -> usize {
        (self.unit() * len as f64) as usize
    }

    /// Returns true with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Returns a number of the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    /// Returns a factor around 1 whose logarithm has this standard deviation.
    pub fn factor(&mut self, deviation: f64) -> f64 {
        (self.normal() * deviation).exp()
    }

    /// Returns a count of the Poisson distribution with this mean.
    pub fn count(&mut self, mean: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u32;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_for_ever() {
        let mut dice = Dice(0);
        let drawn: Vec<_> = (0..3).map(|_| dice.bits()).collect();
        // As the algorithm's authors publish them.
        assert_eq!(drawn, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }

    #[test]
    fn seeds_keys_and_purposes_have_streams_of_their_own() {
        let first = |seed, key, purpose| Dice::new(seed, key, purpose).bits();
        let drawn = [first(1, 2, 3), first(1, 2, 4), first(1, 3, 3), first(2, 2, 3), first(3, 2, 1)];
        let distinct: std::collections::HashSet<_> = drawn.into_iter().collect();
        assert_eq!(distinct.len(), drawn.len());
    }

    #[test]
    fn counts_have_the_mean_and_the_spread_of_their_distribution() {
        for mean in [0.5, 20.0, 49.0, 51.0, 5_000.0] {
            let mut dice = Dice::new(7, 0, 0);
            let counts: Vec<f64> = (0..4_000).map(|_| f64::from(dice.count(mean))).collect();
            let found = counts.iter().sum::<f64>() / 4_000.0;
            let spread = counts.iter().map(|count| (count - found).powi(2)).sum::<f64>() / 4_000.0;
            assert!((found / mean - 1.0).abs() < 0.1, "{mean}: {found}");
            assert!((spread / mean - 1.0).abs() < 0.15, "{mean}: {spread}");
        }
    }
}
