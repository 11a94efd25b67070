use keymint_domain::usage::Standing;
use sfv::{Item, List, ListEntry, Parser};

use super::{LimitFields, RATE_LIMIT, RATE_LIMIT_POLICY, X_LIMIT, X_REMAINING, X_RESET};
use crate::Headers;

impl LimitFields {
    /// Reads the state of a key's limits in any dialect. Fields that say something else are ignored. `X-RateLimit-*` has no name
    /// for its limit, so `name_of` gives it one by its calls per window; the window itself is then 0.
    pub fn read(headers: &impl Headers, name_of: impl Fn(u64) -> &'static str) -> Vec<Standing> {
        let left = list(headers, RATE_LIMIT);
        if left.is_empty() {
            return read_numbers(headers, name_of).into_iter().collect();
        }
        let policies = list(headers, RATE_LIMIT_POLICY);
        left.iter().filter_map(|left| read_item(left, &policies)).collect()
    }
}

fn read_item(left: &Item, policies: &[Item]) -> Option<Standing> {
    let limit = name(left)?;
    let policy = policies.iter().find(|policy| name(policy) == Some(limit))?;
    let dialects = [LimitFields::Draft11, LimitFields::Draft12].map(LimitFields::parameters);
    let (remaining, wait) =
        dialects.into_iter().find_map(|(available, window)| Some((number(left, available)?, number(left, window))))?;
    let window_ms = number(policy, "w").unwrap_or_default().saturating_mul(1000);
    let more_in_ms = wait.map(|seconds| seconds.saturating_mul(1000));
    Some(Standing { limit, max: number(policy, "q")?, window_ms, remaining, more_in_ms })
}

/// Returns the limit of ours that an item names.
fn name(item: &Item) -> Option<&'static str> {
    let name = item.bare_item.as_string()?;
    [Standing::RATE, Standing::QUOTA].into_iter().find(|known| *known == name.as_str())
}

fn number(item: &Item, parameter: &str) -> Option<u64> {
    u64::try_from(item.params.get(parameter)?.as_integer()?).ok()
}

/// Returns the items of a field that is a list, on all of its lines (RFC 9651 3.1).
fn list(headers: &impl Headers, name: &str) -> Vec<Item> {
    let lines: Vec<_> = headers.lines(name).collect();
    let parsed: Option<List> = Parser::new(&lines.join(&b", "[..])).parse().ok();
    let entries = parsed.into_iter().flatten();
    entries.filter_map(|entry| if let ListEntry::Item(item) = entry { Some(item) } else { None }).collect()
}

fn read_numbers(headers: &impl Headers, name_of: impl Fn(u64) -> &'static str) -> Option<Standing> {
    let number = |name| std::str::from_utf8(headers.lines(name).next()?).ok()?.trim().parse::<u64>().ok();
    let (max, remaining) = (number(X_LIMIT)?, number(X_REMAINING)?);
    let more_in_ms = number(X_RESET).map(|seconds| seconds.saturating_mul(1000));
    Some(Standing { limit: name_of(max), max, window_ms: 0, remaining, more_in_ms })
}
