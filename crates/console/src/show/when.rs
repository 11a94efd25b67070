use std::fmt;

use askama::filters::HtmlSafe;
use keymint_domain::Timestamp;

use super::number::plural;

/// An instant: in words at once, and in the reader's zone once a script has run. The exact instant is its title.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    at: Timestamp,
    /// The instant that words refer to; `None` = the date is shown.
    now: Option<Timestamp>,
}

impl When {
    /// Shows how long ago it was, or how soon it will be.
    pub(crate) fn relative(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now: Some(now) }
    }

    /// Shows the date and the time.
    pub(crate) fn date(at: Timestamp) -> Self {
        Self { at, now: None }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, now } = self;
        let style = if now.is_some() { "" } else { " data-time=\"date\"" };
        write!(f, "<time datetime=\"{at}\" title=\"{at}\"{style}>")?;
        match now {
            Some(now) => f.write_str(&words(*at, *now))?,
            None => write!(f, "{}", at.to_utc().format("%-d %b %Y, %H:%M UTC"))?,
        }
        f.write_str("</time>")
    }
}

/// It writes digits, letters and marks of its own alone.
impl HtmlSafe for When {}

const UNITS: [(u64, &str, &str); 6] = [
    (365 * 86_400_000, "year", "years"),
    (30 * 86_400_000, "month", "months"),
    (86_400_000, "day", "days"),
    (3_600_000, "hour", "hours"),
    (60_000, "minute", "minutes"),
    (1000, "second", "seconds"),
];

fn words(at: Timestamp, now: Timestamp) -> String {
    let is_past = at <= now;
    let distance = if is_past { now.millis_since(at) } else { at.millis_since(now) };
    let Some((unit, one, many)) = UNITS.iter().find(|(unit, _, _)| distance >= *unit) else {
        return "now".to_owned();
    };
    let text = plural(distance / unit, one, many);
    if is_past { format!("{text} ago") } else { format!("in {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_told_in_words_and_exactly() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(words(now, now), "now");
        assert_eq!(words(now.minus_millis(90_000), now), "1 minute ago");
        assert_eq!(words(now.plus_millis(3 * 86_400_000), now), "in 3 days");
        assert_eq!(
            When::date(now).to_string(),
            "<time datetime=\"2023-11-14T22:13:20.000Z\" title=\"2023-11-14T22:13:20.000Z\" data-time=\"date\">\
             14 Nov 2023, 22:13 UTC</time>"
        );
    }
}
