use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use keymint_domain::address::{AddressRules, ClientAddress};
use keymint_domain::key::{
    Actor, EditKey, Field, KeyPatch, KeyState, MetadataInput, NewSecret, RefillInput, Replaces, Revocation,
    RotationChange, Wait,
};
use keymint_domain::listing::{Direction, KeyFilter, ListQuery, Search, SortField};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::value::{KeyName, Lifetime, Metadata, Permissions};
use keymint_domain::verify::{Attempt, Cost};
use keymint_domain::{ApiKey, KeyId, Timestamp};
use proptest::prelude::*;
use proptest::{collection, option, sample::select};

use super::world::{self, IDS, SPAN_MS};
use crate::sample;

/// A call of a store.
#[derive(Debug, Clone)]
pub enum Operation {
    /// `KeyStore::insert`
    Insert {
        /// The new key.
        key: Box<ApiKey>,
        /// The limit. It is ignored if the id exists already.
        max_living: Option<NonZeroU32>,
    },
    /// `KeyStore::update`
    Update {
        /// The key.
        id: KeyId,
        /// The change.
        patch: Box<KeyPatch>,
        /// The instant of the change.
        now: Timestamp,
    },
    /// `KeyStore::rotate`
    Rotate {
        /// The key.
        id: KeyId,
        /// The change.
        change: RotationChange,
        /// The instant of the change.
        now: Timestamp,
    },
    /// `KeyStore::spend`
    Spend {
        /// The batch.
        attempts: Vec<Attempt>,
        /// The instant of the batch.
        now: Timestamp,
    },
    /// `KeyStore::remove`
    Remove {
        /// The key.
        id: KeyId,
    },
    /// `KeyStore::remove_expired`
    RemoveExpired {
        /// The configurations of the keys.
        configurations: ConfigFilter,
        /// The instant before which the keys expired.
        before: Timestamp,
        /// The largest number of keys.
        limit: u32,
    },
    /// `KeyStore::remove_exhausted`
    RemoveExhausted {
        /// The keys.
        ids: Vec<KeyId>,
        /// The instant of the removal.
        now: Timestamp,
    },
    /// `KeyStore::list`
    List {
        /// The page.
        query: ListQuery,
    },
}

/// Returns sequences of operations on a handful of keys.
pub fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let max_living = option::of((1u32..4).prop_map(|max| NonZeroU32::MIN.saturating_add(max - 1)));
    let ids = collection::vec(id(), 0..4);
    let operation = prop_oneof![
        6 => (key(), max_living).prop_map(|(key, max_living)| Operation::Insert { key: key.into(), max_living }),
        2 => (id(), patch(), now()).prop_map(|(id, patch, now)| Operation::Update { id, patch: patch.into(), now }),
        3 => rotation(),
        10 => (attempts(), now()).prop_map(|(attempts, now)| Operation::Spend { attempts, now }),
        1 => id().prop_map(|id| Operation::Remove { id }),
        1 => (configurations(), now(), 0u32..4)
            .prop_map(|(configurations, before, limit)| Operation::RemoveExpired { configurations, before, limit }),
        1 => (ids, now()).prop_map(|(ids, now)| Operation::RemoveExhausted { ids, now }),
        2 => query().prop_map(|query| Operation::List { query }),
    ];
    collection::vec(operation, 1..60)
}

/// Returns changes of rotations. Each key has new secrets of its own, and they are no other key's.
fn rotation() -> impl Strategy<Value = Operation> {
    let wait = option::weighted(0.8, (any::<bool>(), 0..2 * SPAN_MS));
    let wait = wait.prop_map(|wait| {
        wait.map(|(cancels, ms)| (if cancels { Wait::CancelsAt } else { Wait::CutsAt })(world::instant(ms)))
    });
    let replaces = select(vec![Replaces::Nothing, Replaces::Pending, Replaces::Any]);
    let secret = (0..world::NEW_SECRETS, any::<bool>(), 0..SPAN_MS, wait, replaces);
    (0..IDS, secret, 0_u32..9, now()).prop_map(|(at, (number, raw, grace_ms, wait, replaces), kind, now)| {
        let plain = world::new_secret(at, number);
        let stored = if raw { plain.unhashed() } else { plain.hash() };
        let start = Some(number.to_string());
        let change = match kind {
            0 => RotationChange::Cancel,
            1 => RotationChange::Finish,
            2 => RotationChange::EndDue,
            _ => RotationChange::Begin(NewSecret { stored, start, grace_ms, wait, replaces, seen: None }),
        };
        Operation::Rotate { id: world::id(at), change, now }
    })
}

fn id() -> impl Strategy<Value = KeyId> {
    (0..IDS).prop_map(world::id)
}

/// Returns instants in no order, so that the clock also runs backwards.
pub(crate) fn now() -> impl Strategy<Value = Timestamp> {
    (0..SPAN_MS).prop_map(world::instant)
}

fn configurations() -> impl Strategy<Value = ConfigFilter> {
    prop_oneof![
        Just(ConfigFilter::Any),
        collection::vec((0usize..4).prop_map(world::config), 0..3).prop_map(ConfigFilter::AnyOf),
        collection::vec((0usize..4).prop_map(world::config), 0..3).prop_map(ConfigFilter::NoneOf),
    ]
}

fn revocation() -> impl Strategy<Value = Revocation> {
    let actor = prop_oneof![Just(Actor::Server), Just(Actor::User(sample::user_id("ada")))];
    (now(), actor).prop_map(|(at, by)| Revocation { at, by })
}

fn permissions() -> impl Strategy<Value = Option<Permissions>> {
    let texts =
        ["null", r#"{"files":["read"]}"#, r#"{"files":["read","write"]}"#, r#"{"files":["*"]}"#, r#"{"*":["read"]}"#];
    select(texts.to_vec()).prop_map(|text| Permissions::from_stored(text).unwrap())
}

/// Returns rules that accept some addresses of [`client`], and refuse others.
fn addresses() -> impl Strategy<Value = AddressRules> {
    let lists: [&[&str]; 3] = [&[], &["192.0.2.0/24"], &["192.0.2.7", "2001:db8::/32"]];
    let list = || prop_oneof![3 => Just(lists[0]), 1 => select(lists.to_vec())].prop_map(sample::networks);
    (list(), list()).prop_map(|(allowed, denied)| AddressRules { allowed, denied })
}

fn client() -> impl Strategy<Value = ClientAddress> {
    let elsewhere = ClientAddress::Known(Ipv4Addr::LOCALHOST.into());
    let near = ClientAddress::Known(Ipv4Addr::new(192, 0, 2, 8).into());
    select(vec![ClientAddress::Unknown, ClientAddress::Anywhere, elsewhere, near, sample::CLIENT])
}

fn name() -> impl Strategy<Value = Option<KeyName>> {
    option::of(select(vec!["a", "B", "é", "É", "ab%", "\u{10ffff}b"]).prop_map(|name| KeyName::parse(name).unwrap()))
}

pub(crate) fn key() -> impl Strategy<Value = ApiKey> {
    let place = (0..IDS, 0..IDS, 0usize..4, 0usize..2);
    let quota = (option::of(0u64..6), option::of((1u64..6, 1u64..SPAN_MS)));
    let limit = (any::<bool>(), option::of(0u64..SPAN_MS), option::of(0u64..5));
    let counted = (0u64..4, option::of(0..SPAN_MS), option::of(0u64..5_000_000_000));
    let start = option::of(select(vec!["sk_1", "sk_2", "SK_", "a"]));
    let life =
        (prop::bool::weighted(0.9), option::weighted(0.1, revocation()), option::of(0..SPAN_MS / 10), 0..SPAN_MS);
    (place, quota, limit, counted, life, name(), permissions(), addresses(), start).prop_map(
        |(
            (at, text, config, owner),
            (remaining, refill),
            limit,
            counted,
            (enabled, revoked, expires, created),
            name,
            granted,
            addresses,
            start,
        )| {
            world::key(at, text, config, |details, usage| {
                details.owner = world::owner(owner);
                details.name = name.map(KeyName::into_string);
                details.start = start.map(str::to_owned);
                details.enabled = enabled;
                details.revocation = revoked;
                // No two keys expire at one instant: the contract does not say which of them goes first.
                details.expires_at = expires.map(|tenth| world::instant(tenth * 10 + at as u64));
                details.created_at = world::instant(created);
                details.permissions = granted;
                details.addresses = addresses;
                (details.refill_amount, details.refill_interval_ms) = refill.unzip();
                (details.rate_limit_enabled, details.rate_limit_window_ms, details.rate_limit_max) = limit;
                usage.remaining = remaining;
                (usage.request_count, usage.backlog_ns) = (counted.0, counted.2);
                usage.last_request = counted.1.map(world::instant);
                usage.updated_at = details.created_at;
            })
        },
    )
}

fn patch() -> impl Strategy<Value = KeyPatch> {
    prop_oneof![
        4 => edit(),
        1 => edit().prop_map(KeyPatch::restoring),
        1 => revocation().prop_map(KeyPatch::revoking),
    ]
}

fn edit() -> impl Strategy<Value = KeyPatch> {
    let refill = option::of((1u64..6, 1u64..SPAN_MS));
    let limit = (option::of(any::<bool>()), option::of(0u64..SPAN_MS), option::of(0u64..5));
    let metadata = select(vec![None, Some("{}"), Some(r#"{"b":1,"a":2.50}"#)]);
    let rest = (name(), option::of(any::<bool>()), option::of(0u64..6), metadata, permissions());
    let flags = (any::<bool>(), prop::bool::weighted(0.2));
    (refill, limit, rest, flags, option::of(addresses())).prop_map(
        |(refill, limit, rest, (expires, resets), addresses)| {
            let (name, enabled, remaining, metadata, granted) = rest;
            let metadata = metadata.and_then(|text| Metadata::from_stored(text).unwrap());
            let (amount, interval_ms) = refill.unzip();
            sample::patch(EditKey {
                name,
                enabled,
                expires_in: if expires { Field::Given(Lifetime::from_seconds(86_400.0).unwrap()) } else { Field::Null },
                metadata: metadata.map_or(MetadataInput::Null, MetadataInput::Given),
                remaining: match remaining {
                    Some(0) => Field::Null,
                    Some(given) if given < 3 => Field::Given(given - 1),
                    _ => Field::Absent,
                },
                add_remaining: remaining.and_then(|number| (number > 2).then_some(6 - 2 * number.cast_signed())),
                refill: RefillInput { amount, interval_ms, every: None }.into(),
                rate_limit_enabled: limit.0,
                rate_limit_window_ms: limit.1,
                rate_limit_max: limit.2,
                reset_limit: resets,
                permissions: granted.map_or(Field::Absent, Field::Given),
                allowed_addresses: addresses.as_ref().map(|rules| rules.allowed.clone()),
                denied_addresses: addresses.map(|rules| rules.denied),
            })
        },
    )
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    // One text more than there are keys: it belongs to no key.
    let asked = (option::weighted(0.2, 0usize..4), prop::bool::weighted(0.2), permissions(), prop::bool::weighted(0.2));
    let secret = prop_oneof![
        3 => (0..=IDS).prop_map(world::plain),
        1 => (0..IDS, 0..world::NEW_SECRETS).prop_map(|(at, number)| world::new_secret(at, number)),
    ];
    let attempt =
        (secret, asked, client(), 0u32..4).prop_map(|(secret, (config, asks, permissions, settles), client, cost)| {
            let mut attempt = Attempt::new(&secret, &world::policy()).at_cost(Cost(cost));
            attempt.config_id = config.map(world::config);
            attempt.permissions = permissions.filter(|_| asks);
            attempt.client = client;
            attempt.settles = settles;
            attempt
        });
    collection::vec(attempt, 0..6)
}

fn query() -> impl Strategy<Value = ListQuery> {
    let direction = select(vec![Direction::Ascending, Direction::Descending]);
    let owner = option::of((0usize..2).prop_map(world::owner));
    let counts = (0u64..4, 0u32..6, option::of(0u64..4));
    (owner, configurations(), filter(), select(SortField::ALL), direction, counts).prop_map(
        |(owner, configurations, filter, sort_by, direction, (offset, limit, count_up_to))| ListQuery {
            owner,
            configurations,
            filter,
            sort_by,
            direction,
            offset,
            limit,
            count_up_to,
        },
    )
}

/// Returns filters of keys. Most of them have few conditions, so that they find keys.
pub(crate) fn filter() -> impl Strategy<Value = KeyFilter> {
    let search = select(vec!["a", "A", "b", "é", "sk_", "sk_1", "key-1", "\u{10ffff}", "a%", "_"]);
    let search = search.prop_map(|text| Search::parse(text).unwrap());
    let instant = || option::weighted(0.2, now());
    let state = (select(KeyState::ALL.to_vec()), now());
    (
        option::weighted(0.3, search),
        option::weighted(0.2, any::<bool>()),
        option::weighted(0.4, state),
        instant(),
        instant(),
        instant(),
    )
        .prop_map(|(search, enabled, state, expires_before, unused_since, created_before)| KeyFilter {
            search,
            enabled,
            state,
            expires_before,
            unused_since,
            created_before,
        })
}
