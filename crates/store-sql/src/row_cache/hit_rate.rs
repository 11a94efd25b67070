/// The share of recent lookups that found a row. Older lookups count less and less.
#[derive(Debug, Default)]
pub(super) struct HitRate {
    hits: u32,
    lookups: u32,
}

impl HitRate {
    /// The number of lookups after which those so far count by half.
    const MANY: u32 = 1024;
    /// The number of lookups from which on the rate means something.
    const FEW: u32 = 256;
    /// One lookup of so many must hit. An estimate: a read costs many times what an admission costs.
    const WORTH: u32 = 16;

    pub(super) fn count(&mut self, is_hit: bool) {
        if self.lookups == Self::MANY {
            self.lookups /= 2;
            self.hits /= 2;
        }
        self.lookups += 1;
        self.hits += u32::from(is_hit);
    }

    /// Returns `true` if admitting every row pays, or if too few lookups are known to tell.
    pub(super) fn pays(&self) -> bool {
        self.lookups < Self::FEW || self.hits * Self::WORTH >= self.lookups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns `pays` after so many lookups, of which each `nth` is a hit.
    fn pays(rate: &mut HitRate, lookups: u32, nth: u32) -> bool {
        (0..lookups).for_each(|number| rate.count(number % nth == 0));
        rate.pays()
    }

    #[test]
    fn it_pays_where_one_of_sixteen_is_a_hit() {
        for (nth, expected) in [(1, true), (16, true), (17, false), (1000, false)] {
            assert_eq!(pays(&mut HitRate::default(), 16 * 17 * 100, nth), expected, "one of {nth}");
        }
    }

    #[test]
    fn a_few_lookups_say_nothing() {
        assert!(pays(&mut HitRate::default(), 255, 256));
        assert!(!pays(&mut HitRate::default(), 256, 256));
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let mut rate = HitRate::default();
        assert!(!pays(&mut rate, 1_000_000, 1_000_001));
        assert!(pays(&mut rate, 1024, 1));
        assert!(!pays(&mut rate, 10 * 1024, 10_241));
    }
}
