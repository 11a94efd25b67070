use keymint_domain::ApiKey;
use keymint_domain::key::{EditKey, Field, NewKey, RefillEdit, RefillInput};
use keymint_domain::usage::Every;
use keymint_domain::value::{MAX_COUNT, MAX_PERIOD_MS};

use crate::form::{Fields, Problems};

/// The limits that a form asks for.
pub(in crate::pages::keys) struct Limits {
    rate: Rate,
    /// The calls that the key has; `None` = any number, or the field is as it was shown.
    quota: Option<u64>,
    /// True if the quota is another one than the form has shown. Calls that were made meanwhile are not given back.
    is_new_quota: bool,
    refill: Option<u64>,
    every: Period,
}

/// The rate limit.
enum Rate {
    /// The configuration's, or the one that the key has.
    Kept,
    None,
    Own {
        calls: Option<u64>,
        window_ms: Option<u64>,
    },
}

/// The time between two refills.
#[derive(PartialEq, Eq)]
enum Period {
    /// The interval that the key has, which is no part of the calendar.
    Kept,
    Every(Option<Every>),
}

impl Limits {
    /// Reads the fields. What is wrong is added to `problems`.
    pub(in crate::pages::keys) fn read(form: &Fields, problems: &mut Problems) -> Self {
        let rate = match form.get("limit") {
            Some("none") => Rate::None,
            Some("own") => {
                if form.get("calls").is_none() {
                    problems.add("calls", "Enter how many calls are allowed.");
                }
                let calls = problems.number(form, "calls", 1..=u64::from(MAX_COUNT));
                Rate::Own { calls, window_ms: window(form, problems) }
            }
            _ => Rate::Kept,
        };
        let is_new_quota = form.raw("quota").trim() != form.raw("quota-before").trim();
        Self {
            rate,
            quota: if is_new_quota { problems.number(form, "quota", 0..=u64::from(MAX_COUNT)) } else { None },
            is_new_quota,
            refill: problems.number(form, "refill", 1..=u64::from(MAX_COUNT)),
            every: match form.get("every") {
                Some("interval") => Period::Kept,
                word => Period::Every(word.and_then(Every::parse)),
            },
        }
    }

    /// Gives them to a new key.
    pub(in crate::pages::keys) fn give(self, new: &mut NewKey) {
        match self.rate {
            Rate::Kept => {}
            Rate::None => new.rate_limit_enabled = Some(false),
            Rate::Own { calls, window_ms } => {
                (new.rate_limit_enabled, new.rate_limit_max, new.rate_limit_window_ms) = (Some(true), calls, window_ms);
            }
        }
        if let Some(calls) = self.quota {
            new.remaining = Field::Given(calls);
        }
        let every = if let Period::Every(every) = self.every { every } else { None };
        new.refill = RefillInput { amount: self.refill, interval_ms: None, every };
    }

    /// Adds those that the key does not have to an edit of it.
    pub(in crate::pages::keys) fn change(self, key: &ApiKey, edit: &mut EditKey) {
        let details = &*key.details;
        match self.rate {
            Rate::Kept => {}
            Rate::None => edit.rate_limit_enabled = details.rate_limit_enabled.then_some(false),
            Rate::Own { calls, window_ms } => {
                edit.rate_limit_enabled = (!details.rate_limit_enabled).then_some(true);
                edit.rate_limit_max = calls.filter(|calls| Some(*calls) != details.rate_limit_max);
                edit.rate_limit_window_ms = window_ms.filter(|window| Some(*window) != details.rate_limit_window_ms);
            }
        }
        if self.is_new_quota {
            edit.remaining = or_null(self.quota);
        }
        let amount = or_null(self.refill);
        match self.every {
            Period::Kept if self.refill != details.refill_amount => {
                let interval_ms = details.refill_interval_ms.map_or(Field::Absent, Field::Given);
                edit.refill = RefillEdit { amount, interval_ms, every: Field::Absent };
            }
            Period::Every(every)
                if (self.refill, every) != (details.refill_amount, details.refill_every)
                    || details.refill_interval_ms.is_some() =>
            {
                edit.refill = RefillEdit { amount, interval_ms: Field::Absent, every: or_null(every) };
            }
            Period::Kept | Period::Every(_) => {}
        }
    }
}

fn or_null<T>(value: Option<T>) -> Field<T> {
    value.map_or(Field::Null, Field::Given)
}

/// The units of a window, in milliseconds, the largest first.
pub(super) const UNITS: [(&str, u64); 5] =
    [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000), ("millisecond", 1)];

fn window(form: &Fields, problems: &mut Problems) -> Option<u64> {
    let unit = form.get("unit").unwrap_or("minute");
    let Some((_, ms)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        problems.add("window", "Choose a unit of time.");
        return None;
    };
    if form.get("window").is_none() {
        problems.add("window", "Enter the length of the window.");
    }
    problems.number(form, "window", 1..=MAX_PERIOD_MS / ms).map(|number| number * ms)
}
