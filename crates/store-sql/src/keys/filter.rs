use std::iter;

use keymint_domain::Timestamp;
use keymint_domain::key::{KeyState, StateFacts};
use keymint_domain::listing::{KeyFilter, Search};
use keymint_ports::StoreError;

use super::count::state_facts;
use crate::connection::fetch_optional;
use crate::{Dialect, ReadConnection, RowReader, Statement};

/// The number of keys up to which a search selects them by their ids. A search that finds more is a condition on the rows
/// of a list, which then soon has its page.
const FEW: i64 = 10_000;

/// The way in which a search selects its keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Few,
    Many,
}

/// Returns the way that suits a search, by counting what it finds up to a limit.
pub(super) async fn reach_of(connection: &mut dyn ReadConnection, search: &Search) -> Result<Reach, StoreError> {
    let dialect = connection.dialect();
    let mut count = Statement::new("");
    let [_, start, name] = conditions(&mut count, search, dialect);
    let most = count.placeholder(FEW);
    let found = |condition: &str| {
        format!(r#"(select count(*) from (select 1 as "one" from "apikey" where {condition} limit {most}) as "found")"#)
    };
    count.push(&format!(r#"select {} + {} as "found""#, found(&start), found(&name)));
    let found = fetch_optional(connection, count, |row| RowReader::new(row, "apikey", "found").number("found")).await?;
    Ok(if found.flatten().is_some_and(|found| found < FEW.unsigned_abs()) { Reach::Few } else { Reach::Many })
}

/// Narrows a statement, which ends in its `where` clause, to the keys that `filter` admits.
pub(super) fn narrow_by<'f>(statement: &mut Statement<'f>, filter: &'f KeyFilter, reach: Reach, dialect: &dyn Dialect) {
    let KeyFilter { search, enabled, state, expires_before, unused_since, created_before } = filter;
    if let Some(search) = search {
        let found = found(statement, search, reach, dialect);
        statement.push(&format!(" and {found}"));
    }
    if let Some(enabled) = enabled {
        let not = if *enabled { "" } else { "not " };
        statement.push(&format!(r#" and {not}(coalesce("enabled", true) <> false and "keymint_revoked_at" is null)"#));
    }
    if let Some((state, now)) = state {
        let is_in_state = is_in_state(statement, *state, *now, dialect);
        statement.push(&format!(" and {is_in_state}"));
    }
    if let Some(end) = expires_before {
        let end = statement.placeholder(*end);
        statement.push(&format!(" and {}", dialect.is_before(r#""expiresAt""#, &end)));
    }
    if let Some(since) = unused_since {
        let since = statement.placeholder(*since);
        let is_unused = |column: &str| format!("({column} is null or {})", dialect.is_before(column, &since));
        let (created, unused) = (dialect.is_before(r#""createdAt""#, &since), is_unused(r#""lastRequest""#));
        let used = format!("not {}", is_unused(r#"a."lastUsedAt""#));
        statement.push(&format!(" and {created} and {unused} and "));
        statement.push(&if dialect.is_sharded() {
            // Uses are not in shards: all of them are sent to the shards, and each looks through them once.
            format!(r#""id" not in (select a."keyId" from "keymint_activity" as a where {used})"#)
        } else {
            format!(r#"not exists (select 1 from "keymint_activity" as a where a."keyId" = "apikey"."id" and {used})"#)
        });
    }
    if let Some(end) = created_before {
        let end = statement.placeholder(*end);
        statement.push(&format!(" and {}", dialect.is_before(r#""createdAt""#, &end)));
    }
}

/// Returns the condition that a search finds a key.
fn found<'f>(statement: &mut Statement<'f>, search: &'f Search, reach: Reach, dialect: &dyn Dialect) -> String {
    let conditions = conditions(statement, search, dialect);
    match reach {
        Reach::Few => {
            let selects = conditions.map(|condition| format!(r#"select "id" from "apikey" where {condition}"#));
            format!(r#""id" {}"#, dialect.one_of_few(&selects.join(" union ")))
        }
        // No index serves this, so that the rows come in the order of the list.
        Reach::Many => format!("coalesce({}, false)", conditions.join(" or ")),
    }
}

/// Returns the three ways in which a search finds a key. Each is served by an index.
fn conditions<'f>(statement: &mut Statement<'f>, search: &'f Search, dialect: &dyn Dialect) -> [String; 3] {
    let by_bytes = dialect.by_bytes();
    let id = statement.placeholder(search.as_str());
    // The indexes leave out nulls, which a planner must know of.
    let mut begins = |name: &str, column: String, text: String| {
        let end = end_of_prefix(&text);
        let from = statement.placeholder(text);
        let before = end.map(|end| format!(" and {column} < {}", statement.placeholder(end)));
        format!(r#"("{name}" is not null and {column} >= {from}{})"#, before.unwrap_or_default())
    };
    [
        format!(r#""id" = {id}"#),
        begins("start", format!(r#""start"{by_bytes}"#), search.as_str().to_owned()),
        begins("name", format!(r#"lower("name"{by_bytes})"#), search.folded()),
    ]
}

/// Returns the first text, by bytes, behind all that begin with `prefix`; `None` = there is none.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The next character, past the surrogates, which no text has.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// Returns the condition that a key is in this state: the sum of the facts about it is one from which the state follows.
fn is_in_state(statement: &mut Statement<'_>, state: KeyState, now: Timestamp, dialect: &dyn Dialect) -> String {
    let now = statement.placeholder(now);
    let facts = iter::zip(state_facts(dialect, &now), StateFacts::NUMBERS);
    let facts = facts.map(|(fact, number)| format!("case when {fact} then {number} else 0 end"));
    let sums = state.sums().map(|sum| sum.to_string());
    format!("{} in ({})", facts.collect::<Vec<_>>().join(" + "), sums.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text_without_it() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("sk_", Some("sk`")),
            ("a\u{7f}", Some("a\u{80}")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}\u{10ffff}", None),
        ] {
            assert_eq!(end_of_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
