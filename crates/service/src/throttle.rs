use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use keymint_ports::{Meter, Unmetered};

/// Slows down guessing: a limit of requests from one network address in a window, counted by GCRA. It lives in this
/// process, and is lost with it.
pub struct Throttle<C: Clock + Clone = DefaultClock> {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    checks: AtomicU32,
    meter: Arc<dyn Meter>,
}

/// The limit of a [`Throttle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleOptions {
    /// The requests from one address in a window.
    pub max_requests: NonZeroU32,
    /// The window; at least one nanosecond per request.
    pub window: Duration,
}

impl Default for ThrottleOptions {
    /// Returns the default: 20 requests a minute.
    fn default() -> Self {
        const MAX_REQUESTS: NonZeroU32 = NonZeroU32::new(20).unwrap();
        Self { max_requests: MAX_REQUESTS, window: Duration::from_mins(1) }
    }
}

/// The number of checks after which idle addresses are forgotten, so that only busy ones take memory.
const FORGET_EVERY: u32 = 1024;

impl Throttle {
    /// Starts with no address known.
    pub fn new(options: ThrottleOptions) -> Self {
        Self::with_clock(options, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Throttle<C> {
    /// Does the same with the caller's clock.
    pub fn with_clock(options: ThrottleOptions, clock: C) -> Self {
        let between = (options.window / options.max_requests.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(between).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        let quota = quota.allow_burst(options.max_requests);
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Self { limiter, clock, checks: AtomicU32::new(0), meter: Arc::new(Unmetered) }
    }

    /// Sets the meter that counts throttled requests.
    #[must_use]
    pub fn metered(self, meter: Arc<dyn Meter>) -> Self {
        Self { meter, ..self }
    }

    /// Counts a request from `address`. An IPv6 network of 64 bits counts as one address, since its holder has all its
    /// addresses.
    ///
    /// # Errors
    ///
    /// Returns the time to wait if the limit is reached.
    pub fn check(&self, address: IpAddr) -> Result<(), Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&network(address)).map_err(|until| {
            self.meter.throttled();
            until.wait_time_from(self.clock.now())
        })
    }

    /// Returns the number of known addresses.
    pub fn len(&self) -> usize {
        self.limiter.len()
    }

    /// Returns true if no address is known.
    pub fn is_empty(&self) -> bool {
        self.limiter.is_empty()
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl<C: Clock + Clone> fmt::Debug for Throttle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Throttle")
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn throttle(clock: &FakeRelativeClock) -> Throttle<FakeRelativeClock> {
        let options = ThrottleOptions { max_requests: NonZeroU32::new(3).unwrap(), window: Duration::from_mins(1) };
        Throttle::with_clock(options, clock.clone())
    }

    #[test]
    fn each_address_has_its_own_burst_and_gets_in_again_when_it_was_told() {
        let clock = FakeRelativeClock::default();
        let throttle = throttle(&clock);
        let [one, other]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        for _ in 0..3 {
            assert_eq!(throttle.check(one), Ok(()));
        }
        let wait = throttle.check(one).unwrap_err();
        assert_eq!(wait, Duration::from_secs(20));
        assert_eq!(throttle.check(other), Ok(()));
        clock.advance(wait.checked_sub(Duration::from_nanos(1)).unwrap());
        assert!(throttle.check(one).is_err());
        clock.advance(Duration::from_nanos(1));
        assert_eq!(throttle.check(one), Ok(()));
    }

    #[test]
    fn a_network_of_64_bits_is_one_address_and_a_mapped_one_is_its_own() {
        let network = |text: &str| super::network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn addresses_at_rest_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let throttle = throttle(&clock);
        for number in 0..FORGET_EVERY - 1 {
            assert_eq!(throttle.check(IpAddr::from(number.to_be_bytes())), Ok(()));
        }
        clock.advance(Duration::from_secs(61));
        assert_eq!(throttle.check(IpAddr::from([255, 0, 0, 1])), Ok(()));
        assert_eq!(throttle.len(), 1);
    }
}
