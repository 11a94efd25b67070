//! The validation chain: its order, its boundaries, and its promises under any sequence of attempts.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::sync::Arc;

use keymint_domain::key::{Field, NewKey, PlainKey, RefillInput, StoredKey};
use keymint_domain::usage::{Algorithm, Standing};
use keymint_domain::value::Lifetime;
use keymint_domain::verify::{
    Attempt, Ban, Cost, Fact, Judgement, Ledger, Owner, RuleReport, Verdict, decide, dry_run,
};
use keymint_domain::{ApiKey, ConfigId, Configuration, ErrorCode, OwnerId, Permissions, Policy, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn plain() -> PlainKey {
    PlainKey::new("sk_secret")
}

fn mint(new: NewKey, configuration: &Configuration) -> ApiKey {
    let owner = OwnerId::parse("ada").unwrap();
    let mut configuration = configuration.clone();
    // So that a key may live for a second.
    configuration.expiration.min_days = 0;
    new.check(&configuration).unwrap().mint(owner, plain(), &mut |bytes: &mut [u8]| bytes.fill(3), NOW).key
}

fn policy(configuration: Configuration) -> Policy {
    Policy::new(vec![configuration]).unwrap()
}

fn unlimited() -> Configuration {
    let mut configuration = Configuration::default();
    configuration.rate_limit.enabled = false;
    configuration
}

fn permissions(json: &str) -> Option<Permissions> {
    Permissions::from_stored(json).unwrap()
}

fn code(verdict: &Verdict) -> Option<ErrorCode> {
    verdict.refused().map(|refusal| refusal.code)
}

#[test]
fn the_first_failing_link_answers() {
    let mut configuration = Configuration::default();
    configuration.rate_limit.max_requests = 1;
    let mut policy = policy(configuration.clone());
    policy.require_owner = true;
    let new = NewKey {
        remaining: Field::Given(0),
        expires_in: Lifetime::from_seconds(1.0).ok(),
        permissions: permissions(r#"{"files":["read"]}"#),
        ..NewKey::default()
    };
    let mut key = mint(new, &configuration);
    let details = Arc::make_mut(&mut key.details);
    details.enabled = false;
    let later = NOW.plus_millis(1001);
    let mut attempt = Attempt::new(&PlainKey::new("sk_other"), &policy);
    attempt.config_id = Some(ConfigId::from_optional(Some("eu")));
    attempt.permissions = permissions(r#"{"files":["write"]}"#);

    let ask = |key: &ApiKey, owner, attempt: &Attempt, now| code(&decide(Some((key, owner)), attempt, &policy, now));
    assert_eq!(code(&decide(None, &attempt, &policy, later)), Some(ErrorCode::InvalidApiKey));
    assert_eq!(ask(&key, Owner::Absent, &attempt, later), Some(ErrorCode::InvalidApiKey), "another key's row");
    let mut own = Attempt::new(&plain(), &policy);
    (own.config_id, own.permissions) = (attempt.config_id, attempt.permissions);
    let mut attempt = own;
    assert_eq!(ask(&key, Owner::Absent, &attempt, later), Some(ErrorCode::InvalidApiKey), "out of scope");
    attempt.config_id = Some(ConfigId::default_id());
    assert_eq!(ask(&key, Owner::Absent, &attempt, later), Some(ErrorCode::KeyDisabled));
    Arc::make_mut(&mut key.details).enabled = true;
    assert_eq!(ask(&key, Owner::Absent, &attempt, later), Some(ErrorCode::KeyExpired));
    let at_the_end = NOW.plus_millis(1000);
    let banned = Owner::Banned(Ban { until: Some(at_the_end.plus_millis(1)) });
    assert_eq!(ask(&key, banned, &attempt, at_the_end), Some(ErrorCode::UserBanned));
    assert_eq!(ask(&key, Owner::Absent, &attempt, at_the_end), Some(ErrorCode::InvalidReferenceIdFromApiKey));
    let over = Owner::Banned(Ban { until: Some(at_the_end) });
    assert_eq!(ask(&key, over, &attempt, at_the_end), Some(ErrorCode::KeyNotFound), "the ban is over");
    attempt.permissions = permissions(r#"{"files":["read"]}"#);
    assert_eq!(ask(&key, Owner::Present, &attempt, at_the_end), Some(ErrorCode::UsageExceeded));
    key.usage.remaining = Some(9);
    let Verdict::Accepted(key) = decide(Some((&key, Owner::Present)), &attempt, &policy, at_the_end) else {
        panic!("accepted");
    };
    assert_eq!(ask(&key, Owner::Present, &attempt, at_the_end), Some(ErrorCode::RateLimited));
}

#[test]
fn a_refusal_says_what_better_auths_code_leaves_unsaid() {
    let policy = policy(unlimited());
    let mut key = mint(NewKey { permissions: permissions(r#"{"files":["read"]}"#), ..NewKey::default() }, &unlimited());
    let mut attempt = Attempt::new(&plain(), &policy);
    attempt.permissions = permissions(r#"{"files":["read","write"]}"#);
    let refusal = |key: &ApiKey, attempt: &Attempt| {
        let verdict = decide(Some((key, Owner::Absent)), attempt, &policy, NOW);
        verdict.refused().cloned().unwrap()
    };
    let lacking = refusal(&key, &attempt);
    assert_eq!((lacking.code, lacking.reason()), (ErrorCode::KeyNotFound, ErrorCode::InsufficientPermissions));
    assert_eq!(lacking.missing, permissions(r#"{"files":["write"]}"#));

    attempt.config_id = Some(ConfigId::from_optional(Some("eu")));
    let foreign = refusal(&key, &attempt);
    assert_eq!((foreign.code, foreign.reason()), (ErrorCode::InvalidApiKey, ErrorCode::WrongConfiguration));
    assert_eq!(foreign.missing, None);

    Arc::make_mut(&mut key.details).stored = StoredKey::from_stored("another");
    let unknown = refusal(&key, &attempt);
    assert_eq!((unknown.code, unknown.reason()), (ErrorCode::InvalidApiKey, ErrorCode::InvalidApiKey));
}

#[test]
fn a_star_is_a_wildcard_unless_its_configuration_takes_it_for_a_name() {
    for (wildcards, expected) in [(true, None), (false, Some(ErrorCode::KeyNotFound))] {
        let configuration = Configuration { wildcards, ..unlimited() };
        let key = mint(NewKey { permissions: permissions(r#"{"*":["read"]}"#), ..NewKey::default() }, &configuration);
        let policy = policy(configuration);
        let mut attempt = Attempt::new(&plain(), &policy);
        let mut ask = |asked: &str| {
            attempt.permissions = permissions(asked);
            code(&decide(Some((&key, Owner::Absent)), &attempt, &policy, NOW))
        };
        assert_eq!(ask(r#"{"files":["read"]}"#), expected);
        assert_eq!(ask(r#"{"*":["read"]}"#), None);
    }
}

/// Returns a dry run's report of one rule.
fn rule<'a>(reports: &'a [RuleReport], name: &str) -> &'a RuleReport {
    reports.iter().find(|report| report.rule == name).unwrap()
}

#[test]
fn a_dry_run_says_what_each_rule_looked_at() {
    let policy = policy(Configuration::default());
    let new = NewKey { remaining: Field::Given(1), permissions: permissions(r#"{"*":["read"]}"#), ..NewKey::default() };
    let key = mint(new, &Configuration::default());
    let mut attempt = Attempt::new(&plain(), &policy).at_cost(Cost(2));
    attempt.permissions = permissions(r#"{"files":["read","write"]}"#);
    let run = dry_run(Some((&key, Owner::Absent)), &attempt, &policy, NOW);
    assert_eq!(code(&run.verdict), Some(ErrorCode::KeyNotFound));
    let lacking = rule(&run.reports, "permissions");
    let missing = permissions(r#"{"files":["write"]}"#).unwrap();
    assert!(lacking.facts.contains(&("missing", Fact::Permissions(missing))));
    let quota = rule(&run.reports, "quota");
    assert!(quota.facts.contains(&("remaining", Fact::Number(1))) && quota.facts.contains(&("cost", Fact::Number(2))));
    assert_eq!(quota.judgement, Judgement::Refused { code: ErrorCode::UsageExceeded, retry_in_ms: None });
    let limit = rule(&run.reports, "rateLimit");
    assert_eq!(limit.judgement, Judgement::Passed, "each rule is judged on the key as it is");
    assert!(limit.facts.contains(&("left", Fact::Number(10))));
    assert_eq!(rule(&run.reports, "expiry").facts, [("expiresAt", Fact::None), ("now", Fact::Instant(NOW))]);
    assert_eq!(rule(&run.reports, "owner").facts[1], ("found", Fact::Text("absent".into())));
}

#[test]
fn without_any_configuration_that_rule_refuses_and_the_others_are_judged() {
    let key = mint(NewKey::default(), &Configuration::default());
    let policy = policy(Configuration::new(ConfigId::from_optional(Some("eu"))));
    let run = dry_run(Some((&key, Owner::Absent)), &Attempt::new(&plain(), &policy), &policy, NOW);
    let code = ErrorCode::NoDefaultApiKeyConfigurationFound;
    assert_eq!(run.verdict.refused().map(|refusal| refusal.code), Some(code));
    let refused = Judgement::Refused { code, retry_in_ms: None };
    assert_eq!(rule(&run.reports, "configuration").judgement, refused);
    assert_eq!(rule(&run.reports, "exists").judgement, Judgement::Passed);
    assert_eq!(rule(&run.reports, "quota").judgement, Judgement::Passed);
}

#[test]
fn what_is_said_to_be_left_is_what_is_admitted() {
    for algorithm in [Algorithm::Gcra, Algorithm::IdleWindow] {
        let mut configuration = Configuration::default();
        configuration.rate_limit.algorithm = algorithm;
        let new = NewKey { rate_limit_max: Some(3), rate_limit_window_ms: Some(1000), ..NewKey::default() };
        let (mut key, policy) = (mint(new, &configuration), policy(configuration));
        let ask = |key: &ApiKey, cost: u64, now| {
            let cost = Cost(u32::try_from(cost).unwrap());
            decide(Some((key, Owner::Absent)), &Attempt::new(&plain(), &policy).at_cost(cost), &policy, now)
        };
        let mut now = NOW;
        for gap in [0, 1, 333, 1, 0, 700, 5, 5000, 0, 0, 0, 0, 1000, 1001] {
            now = now.plus_millis(gap);
            let standings: Vec<_> = Standing::of(&key, &policy, now).collect();
            let [standing] = standings[..] else { panic!("one limit") };
            assert_eq!((standing.limit, standing.max, standing.window_ms), ("rate", 3, 1000));
            assert!(ask(&key, standing.remaining + 1, now).accepted().is_none());
            if let Some(wait) = standing.more_in_ms {
                let left = |now| Standing::of(&key, &policy, now).next().unwrap().remaining;
                assert!(left(now.plus_millis(wait)) > standing.remaining, "{algorithm:?} {standing:?}");
                assert_eq!(left(now.plus_millis(wait - 1)), standing.remaining, "{algorithm:?} {standing:?}");
            }
            if standing.remaining > 0 {
                assert!(ask(&key, standing.remaining, now).accepted().is_some());
                key = ask(&key, 1, now).accepted().unwrap().clone();
            }
        }
    }
}

#[test]
fn what_was_paid_before_is_judged_by_all_but_the_limits_and_counts_nothing() {
    let configuration = Configuration::default();
    let new = NewKey {
        remaining: Field::Given(0),
        rate_limit_max: Some(1),
        expires_in: Lifetime::from_seconds(1.0).ok(),
        ..NewKey::default()
    };
    let (key, policy) = (mint(new, &configuration), policy(configuration));
    let attempt = Attempt::new(&plain(), &policy);
    let ask = |attempt: &Attempt, after| decide(Some((&key, Owner::Absent)), attempt, &policy, NOW.plus_millis(after));
    assert_eq!(code(&ask(&attempt, 0)), Some(ErrorCode::UsageExceeded));
    let paid = attempt.paid();
    assert_eq!(ask(&paid, 1000), Verdict::Accepted(key.clone()));
    assert_eq!(code(&ask(&paid, 1001)), Some(ErrorCode::KeyExpired));
    let mut asking = paid.clone();
    asking.permissions = permissions(r#"{"files":["read"]}"#);
    assert_eq!(code(&ask(&asking, 0)), Some(ErrorCode::KeyNotFound));
    assert!(!paid.look().is_paid, "a look is asked of the limits");
}

#[test]
fn a_key_is_valid_at_its_last_instant_and_not_after() {
    let policy = policy(unlimited());
    let key = mint(NewKey { expires_in: Lifetime::from_seconds(1.0).ok(), ..NewKey::default() }, &unlimited());
    let attempt = Attempt::new(&plain(), &policy);
    let at = |ms| code(&decide(Some((&key, Owner::Absent)), &attempt, &policy, NOW.plus_millis(ms)));
    assert_eq!((at(999), at(1000), at(1001)), (None, None, Some(ErrorCode::KeyExpired)));
}

#[test]
fn a_rate_limited_call_costs_no_quota() {
    let mut configuration = Configuration::default();
    configuration.rate_limit.max_requests = 1;
    for algorithm in [Algorithm::Gcra, Algorithm::IdleWindow] {
        configuration.rate_limit.algorithm = algorithm;
        let policy = policy(configuration.clone());
        let key = mint(NewKey { remaining: Field::Given(5), ..NewKey::default() }, &configuration);
        let attempt = Attempt::new(&plain(), &policy);
        let mut ledger: Ledger<()> = Ledger::new([(key.details.stored.clone(), Ok((key, Owner::Absent)))]);
        let verdicts = ledger.settle(&[attempt.clone(), attempt.clone(), attempt], &policy, NOW);
        let codes: Vec<_> = verdicts.iter().map(|verdict| code(verdict.as_ref().unwrap())).collect();
        assert_eq!(codes, [None, Some(ErrorCode::RateLimited), Some(ErrorCode::RateLimited)]);
        assert_eq!(ledger.changes().map(|key| key.usage.remaining).collect::<Vec<_>>(), [Some(4)]);
    }
}

#[test]
fn a_look_is_answered_like_a_call_and_changes_nothing() {
    let policy = policy(Configuration::default());
    let key = mint(NewKey { remaining: Field::Given(1), ..NewKey::default() }, &Configuration::default());
    let look = Attempt::new(&plain(), &policy).at_cost(Cost(0));
    let Verdict::Accepted(seen) = decide(Some((&key, Owner::Absent)), &look, &policy, NOW) else {
        panic!("one call is left");
    };
    assert_eq!(seen, key);
    let mut spent = key;
    spent.usage.remaining = Some(0);
    let verdict = decide(Some((&spent, Owner::Absent)), &look, &policy, NOW);
    assert_eq!(code(&verdict), Some(ErrorCode::UsageExceeded));
    assert!(verdict.refused().unwrap().exhausted);
}

#[test]
fn a_hash_that_leaked_is_not_a_key() {
    let unhashed =
        Configuration { disable_key_hashing: true, ..Configuration::new(ConfigId::from_optional(Some("raw"))) };
    let policy = Policy::new(vec![Configuration::default(), unhashed.clone()]).unwrap();
    let hashed = mint(NewKey::default(), &Configuration::default());
    let raw = mint(NewKey::default(), &unhashed);
    let mut ledger: Ledger<()> =
        Ledger::new([&hashed, &raw].map(|key| (key.details.stored.clone(), Ok((key.clone(), Owner::Absent)))));
    let leaked = PlainKey::new(hashed.details.stored.as_str());
    let verdicts = ledger.settle(&[Attempt::new(&leaked, &policy), Attempt::new(&plain(), &policy)], &policy, NOW);
    assert_eq!(code(verdicts[0].as_ref().unwrap()), Some(ErrorCode::InvalidApiKey));
    assert!(verdicts[1].as_ref().unwrap().accepted().is_some());
}

#[test]
fn a_key_without_quota_and_limit_is_stamped_once_a_minute() {
    let policy = policy(unlimited());
    let key = mint(NewKey::default(), &unlimited());
    let attempt = Attempt::new(&plain(), &policy);
    let mut ledger: Ledger<()> = Ledger::new([(key.details.stored.clone(), Ok((key, Owner::Absent)))]);
    let mut stamp = |ms| {
        ledger.settle(std::slice::from_ref(&attempt), &policy, NOW.plus_millis(ms));
        ledger.changes().next().and_then(|key| key.usage.last_request)
    };
    assert_eq!(stamp(0), Some(NOW));
    assert_eq!(stamp(59_999), Some(NOW));
    assert_eq!(stamp(60_000), Some(NOW.plus_millis(60_000)));
}

#[test]
fn an_unreadable_row_fails_its_own_attempts_only() {
    let policy = policy(unlimited());
    let key = mint(NewKey::default(), &unlimited());
    let broken = PlainKey::new("broken");
    let mut ledger =
        Ledger::new([(key.details.stored.clone(), Ok((key, Owner::Absent))), (broken.hash(), Err("corrupt"))]);
    let answers = ledger.settle(&[Attempt::new(&broken, &policy), Attempt::new(&plain(), &policy)], &policy, NOW);
    assert_eq!(answers[0], Err("corrupt"));
    assert!(answers[1].as_ref().unwrap().accepted().is_some());
}

proptest! {
    /// No sequence of attempts spends more than the quota, and a refused attempt changes nothing.
    #[test]
    fn the_quota_holds_and_refusals_are_free(
        quota in 0u64..30,
        refill in prop::option::of((1u64..10, 1u64..200)),
        window in 1u64..300,
        max in 1u64..10,
        idle in any::<bool>(),
        calls in prop::collection::vec((0u64..100, 0u32..4), 1..120),
    ) {
        let mut configuration = Configuration::default();
        configuration.rate_limit.algorithm = if idle { Algorithm::IdleWindow } else { Algorithm::Gcra };
        let policy = policy(configuration.clone());
        let new = NewKey {
            remaining: Field::Given(quota),
            refill: RefillInput { amount: refill.map(|(amount, _)| amount), interval_ms: refill.map(|(_, ms)| ms), every: None },
            rate_limit_window_ms: Some(window),
            rate_limit_max: Some(max),
            ..NewKey::default()
        };
        let (mut key, mut now, mut spent, mut budget) = (mint(new, &configuration), NOW, 0, quota);
        for (gap, cost) in calls {
            now = now.plus_millis(gap);
            let attempt = Attempt::new(&plain(), &policy).at_cost(Cost(cost));
            let ask = |now| decide(Some((&key, Owner::Absent)), &attempt, &policy, now);
            match ask(now) {
                Verdict::Accepted(next) => {
                    prop_assert!(cost > 0 || next == key);
                    if next.usage.last_refill_at != key.usage.last_refill_at {
                        budget = spent + refill.unwrap().0;
                    }
                    spent += u64::from(cost);
                    prop_assert!(spent <= budget);
                    key = next;
                }
                Verdict::Refused(refusal) => if let Some(wait) = refusal.retry_in_ms {
                    // A refill that falls due meanwhile may lower the quota, and so change the reason.
                    prop_assert!(ask(now.plus_millis(wait - 1)).refused().is_some());
                    prop_assert_ne!(code(&ask(now.plus_millis(wait))), Some(refusal.code));
                },
            }
        }
    }
    /// A dry run predicts the verdict exactly, and the first of its rules that refuses is the reason.
    #[test]
    fn a_dry_run_foretells_the_verdict(
        quota in prop::option::of(0u64..4),
        limit in (prop::option::of(1u64..2000), 0u64..4, any::<bool>(), any::<bool>()),
        life in (any::<bool>(), prop::option::of(0u64..2000)),
        owner in 0usize..4,
        scope in (prop::option::of(0usize..2), any::<bool>(), any::<bool>()),
        asked in prop::option::of(0usize..5),
        granted in prop::option::of(0usize..5),
        used in (0u64..4, prop::option::of(0u64..2000)),
        (cost, at, is_found) in (0u32..5, 0u64..2000, prop::bool::weighted(0.9)),
    ) {
        const PERMISSIONS: [&str; 5] =
            ["{}", r#"{"files":["read"]}"#, r#"{"files":["*"]}"#, r#"{"*":["read"]}"#, r#"{"files":["read","write"]}"#];
        const IDS: [&str; 2] = ["default", "eu"];
        let mut configuration = Configuration { wildcards: scope.2, ..Configuration::default() };
        configuration.rate_limit.enabled = limit.2;
        configuration.rate_limit.algorithm = if limit.3 { Algorithm::IdleWindow } else { Algorithm::Gcra };
        let mut policy = policy(configuration.clone());
        policy.require_owner = scope.1;
        let mut key = mint(NewKey::default(), &configuration);
        let details = Arc::make_mut(&mut key.details);
        details.enabled = life.0;
        details.expires_at = life.1.map(|ms| NOW.plus_millis(ms));
        details.permissions = granted.and_then(|index| permissions(PERMISSIONS[index]));
        (details.rate_limit_window_ms, details.rate_limit_max) = (limit.0, Some(limit.1));
        key.usage.remaining = quota;
        (key.usage.request_count, key.usage.last_request) = (used.0, used.1.map(|ms| NOW.plus_millis(ms)));
        let until = Some(NOW.plus_millis(1000));
        let owner =
            [Owner::Absent, Owner::Present, Owner::Banned(Ban { until: None }), Owner::Banned(Ban { until })][owner];
        let mut attempt = Attempt::new(&plain(), &policy).at_cost(Cost(cost));
        attempt.config_id = scope.0.map(|index| ConfigId::from_optional(Some(IDS[index])));
        attempt.permissions = asked.and_then(|index| permissions(PERMISSIONS[index]));

        let found = is_found.then_some((&key, owner));
        let now = NOW.plus_millis(at);
        let run = dry_run(found, &attempt, &policy, now);
        prop_assert_eq!(&run.verdict, &decide(found, &attempt, &policy, now));
        let first = run.reports.iter().find_map(|report| match report.judgement {
            Judgement::Refused { code, retry_in_ms } => Some((code, retry_in_ms)),
            Judgement::Passed | Judgement::NotJudged => None,
        });
        prop_assert_eq!(first, run.verdict.refused().map(|refusal| (refusal.code, refusal.retry_in_ms)));
        let judged = run.reports.iter().filter(|report| report.judgement != Judgement::NotJudged).count();
        prop_assert_eq!(judged, if is_found { run.reports.len() } else { 1 });
    }
}
