//! Benchmarks of one decision of the chain, and of the hash before it.

#![expect(clippy::unwrap_used, reason = "benchmark support")]

use std::hint::black_box;

use criterion::Criterion;
use keymint_domain::key::{Field, NewKey, PlainKey};
use keymint_domain::usage::Algorithm;
use keymint_domain::verify::{Attempt, Cost, Owner, Verdict, decide};
use keymint_domain::{ApiKey, Configuration, OwnerId, Policy, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const PLENTY: u64 = 2_147_483_647;

/// Returns a key as long as a generated one with a short prefix.
fn plain() -> PlainKey {
    PlainKey::generate("sk_", 32, &mut |bytes: &mut [u8]| bytes.fill(7))
}

/// Returns a key with a quota and a rate limit, its policy, and an attempt with it.
fn case(algorithm: Algorithm, remaining: u64) -> (ApiKey, Policy, Attempt) {
    let mut configuration = Configuration::default();
    configuration.rate_limit.algorithm = algorithm;
    configuration.rate_limit.max_requests = PLENTY;
    let new = NewKey { remaining: Field::Given(remaining), ..NewKey::default() };
    let owner = OwnerId::parse("ada").unwrap();
    let new = new.check(&configuration).unwrap();
    let key = new.mint(owner, plain(), &mut |bytes: &mut [u8]| bytes.fill(3), NOW).key;
    let policy = Policy::new(vec![configuration]).unwrap();
    let attempt = Attempt::new(&plain(), &policy);
    (key, policy, attempt)
}

fn chain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    let mut measure = |name, (key, policy, attempt): (ApiKey, Policy, Attempt), accepted: bool| {
        let now = NOW.plus_millis(1);
        let used = match decide(Some((&key, Owner::Present)), &attempt, &policy, NOW) {
            Verdict::Accepted(used) => used,
            Verdict::Refused(_) => key,
        };
        let ask = || decide(black_box(Some((&used, Owner::Present))), black_box(&attempt), &policy, black_box(now));
        assert_eq!(ask().accepted().is_some(), accepted, "{name}");
        group.bench_function(name, |bencher| bencher.iter(ask));
    };
    measure("quota and gcra", case(Algorithm::Gcra, PLENTY), true);
    measure("quota and idle window", case(Algorithm::IdleWindow, PLENTY), true);
    let (key, policy, attempt) = case(Algorithm::Gcra, PLENTY);
    measure("look", (key, policy, attempt.at_cost(Cost(0))), true);
    measure("refused", case(Algorithm::Gcra, 0), false);
    group.finish();
}

fn hash(criterion: &mut Criterion) {
    let key = plain();
    criterion.bench_function("hash a key", |bencher| bencher.iter(|| black_box(&key).hash()));
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    chain(&mut criterion);
    hash(&mut criterion);
    criterion.final_summary();
}
