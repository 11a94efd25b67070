use keymint_domain::key::KeyDetails;
use keymint_domain::listing::{Direction, ListQuery, SortField};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::usage::Usage;
use keymint_domain::{ApiKey, Timestamp};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, config, id, owner};
use crate::support::{ids, insert_all};

/// In the order of their bytes, which is neither any language's order nor that of their UTF-16 units.
const TEXTS: [&str; 5] = ["B", "a", "é", "\u{fffd}", "😀"];
/// In numerical order, which is not that of their digits.
const NUMBERS: [u64; 5] = [0, 2, 9, 10, 2_147_483_647];

fn instants() -> [Timestamp; 5] {
    let texts = ["0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z"];
    let [first, before, epoch] = texts.map(|text| Timestamp::parse(text).unwrap());
    [first, before, epoch, epoch.plus_millis(1), Timestamp::MAX]
}

/// Returns the number of different values that a field has here, and whether a key may have none.
fn grades(field: SortField) -> Vec<Option<usize>> {
    let (values, optional) = match field {
        SortField::Enabled | SortField::RateLimitEnabled => (2, false),
        SortField::Id
        | SortField::ConfigId
        | SortField::ReferenceId
        | SortField::RequestCount
        | SortField::CreatedAt
        | SortField::UpdatedAt => (5, false),
        SortField::Name
        | SortField::Start
        | SortField::Prefix
        | SortField::RefillInterval
        | SortField::RefillAmount
        | SortField::LastRefillAt
        | SortField::RateLimitTimeWindow
        | SortField::RateLimitMax
        | SortField::Remaining
        | SortField::LastRequest
        | SortField::ExpiresAt => (5, true),
    };
    optional.then_some(None).into_iter().chain((0..values).map(Some)).collect()
}

/// Sets the field to its value of that grade. A field that always has a value never gets the grade `None`.
fn set(field: SortField, grade: Option<usize>, details: &mut KeyDetails, usage: &mut Usage) {
    let text = grade.map(|grade| TEXTS[grade].to_owned());
    let number = grade.map(|grade| NUMBERS[grade]);
    let instant = grade.map(|grade| instants()[grade]);
    match field {
        SortField::Id => details.id = id(&text.unwrap()),
        SortField::ConfigId => details.config_id = config(&text.unwrap()),
        SortField::Name => details.name = text,
        SortField::Start => details.start = text,
        SortField::ReferenceId => details.owner = owner(&text.unwrap()),
        SortField::Prefix => details.prefix = text,
        SortField::RefillInterval => details.refill_interval_ms = number,
        SortField::RefillAmount => details.refill_amount = number,
        SortField::LastRefillAt => usage.last_refill_at = instant,
        SortField::Enabled => details.enabled = grade == Some(1),
        SortField::RateLimitEnabled => details.rate_limit_enabled = grade == Some(1),
        SortField::RateLimitTimeWindow => details.rate_limit_window_ms = number,
        SortField::RateLimitMax => details.rate_limit_max = number,
        SortField::RequestCount => usage.request_count = number.unwrap(),
        SortField::Remaining => usage.remaining = number,
        SortField::LastRequest => usage.last_request = instant,
        SortField::ExpiresAt => details.expires_at = instant,
        SortField::CreatedAt => details.created_at = instant.unwrap(),
        SortField::UpdatedAt => usage.updated_at = instant.unwrap(),
    }
}

/// Returns keys in the ascending order of `field`, by grade. Those of one grade are in the order of ties.
///
/// Ids and instants of creation are ordered against the grades, so that no other field could give the same order.
fn graded(field: SortField) -> Vec<Vec<ApiKey>> {
    let ties: &[(char, u64)] = match field {
        SortField::Id => &[('-', 0)],
        // Creation is the field itself, so that only the id remains.
        SortField::CreatedAt => &[('B', 0), ('a', 0), ('z', 0)],
        _ => &[('z', 0), ('B', 1), ('a', 1)],
    };
    let grade = |(place, grade): (usize, Option<usize>)| {
        let late = 10 * (9 - place as u64);
        let tie = |(letter, created_ms): &(char, u64)| {
            sample::key_with(&format!("{} {late} {letter}", field.as_str()), |details, usage| {
                details.config_id = config(field.as_str());
                details.owner = owner(field.as_str());
                details.created_at = NOW.plus_millis(late + created_ms);
                set(field, grade, details, usage);
            })
        };
        ties.iter().map(tie).collect()
    };
    grades(field).into_iter().enumerate().map(grade).collect()
}

/// Returns a query for the keys of [`graded`], and no others.
fn only(field: SortField) -> ListQuery {
    let query = ListQuery { sort_by: field, ..ListQuery::default() };
    match field {
        SortField::ReferenceId => {
            ListQuery { configurations: ConfigFilter::AnyOf(vec![config(field.as_str())]), ..query }
        }
        _ => ListQuery { owner: Some(owner(field.as_str())), ..query },
    }
}

pub async fn every_field_sorts_in_both_directions_and_across_pages<E: Engine>(engine: &E) {
    let store = engine.open().await;
    for field in SortField::ALL.iter().copied() {
        let mut shuffled: Vec<_> = graded(field).concat();
        shuffled.sort_by_key(|key| std::cmp::Reverse(key.details.stored.clone()));
        insert_all(&store, &shuffled).await;
    }
    for field in SortField::ALL.iter().copied() {
        let mut ascending = graded(field);
        let descending: Vec<_> = ascending.iter().rev().flatten().cloned().collect();
        if field == SortField::ExpiresAt {
            // Keys that never expire are last.
            ascending.rotate_left(1);
        }
        for (direction, expected) in [(Direction::Ascending, ascending.concat()), (Direction::Descending, descending)] {
            let query = ListQuery { direction, ..only(field) };
            let page = store.list(&query).await.unwrap();
            assert_eq!(ids(&page.keys), ids(&expected), "{field:?} {direction:?}");
            assert_eq!(page.keys, expected);
            for (offset, rows) in (0_u64..).step_by(4).zip(expected.chunks(4)) {
                let page = store.list(&ListQuery { offset, limit: 4, ..query.clone() }).await.unwrap();
                assert_eq!(ids(&page.keys), ids(rows), "{field:?} {direction:?} from {offset}");
                assert_eq!(page.total.at_least(), expected.len() as u64);
            }
        }
    }
}

pub async fn an_empty_text_sorts_after_no_text_and_before_all_others<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let named =
        |id: &str, name: Option<&str>| sample::key_with(id, |details, _| details.name = name.map(str::to_owned));
    let keys = [named("d", None), named("c", Some("")), named("b", Some(" ")), named("a", Some("a"))];
    insert_all(&store, &keys).await;
    let by_name = ListQuery { sort_by: SortField::Name, ..ListQuery::default() };
    assert_eq!(store.list(&by_name).await.unwrap().keys, keys);
}
