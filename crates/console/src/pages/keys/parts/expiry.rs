use keymint_domain::policy::Expiration;
use keymint_domain::value::Lifetime;

use crate::form::{Fields, Problems};

/// The lifetimes that the form of a key offers.
pub(in crate::pages::keys) struct Lifetimes {
    /// The text of the choice that names no lifetime: the configuration's own.
    pub(in crate::pages::keys) otherwise: String,
    /// The offered numbers of days.
    pub(in crate::pages::keys) days: Vec<u32>,
    /// The smallest and the largest number of days; `None` = nobody chooses.
    pub(in crate::pages::keys) range: Option<(u32, u32)>,
    /// The choice that was made.
    pub(in crate::pages::keys) chosen: String,
    /// The number of days that was entered.
    pub(in crate::pages::keys) custom: String,
}

const OFFERED: [u32; 4] = [7, 30, 60, 90];

impl Lifetimes {
    /// Returns the lifetimes that a configuration allows, with what `fields` chose.
    pub(in crate::pages::keys) fn new(expiration: Expiration, fields: &Fields) -> Self {
        let range = range(expiration);
        let offered =
            OFFERED.into_iter().filter(|days| range.is_some_and(|(least, most)| (least..=most).contains(days)));
        Self {
            otherwise: otherwise(expiration),
            days: offered.collect(),
            range,
            chosen: fields.get("expiry").unwrap_or("default").to_owned(),
            custom: fields.raw("days").to_owned(),
        }
    }

    /// Returns true if this number of days was chosen.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    pub(in crate::pages::keys) fn is_days(&self, days: &u32) -> bool {
        self.chosen.parse() == Ok(*days)
    }

    /// Returns true if the choice has this word.
    pub(in crate::pages::keys) fn is(&self, word: &str) -> bool {
        self.chosen == word
    }
}

fn range(expiration: Expiration) -> Option<(u32, u32)> {
    let most = expiration.max_lifetime_days.map_or(expiration.max_days, |days| days.get().min(expiration.max_days));
    expiration.allow_custom.then_some((expiration.min_days.max(1), most))
}

fn otherwise(expiration: Expiration) -> String {
    let longest = expiration.max_lifetime_days.map(|days| u64::from(days.get()) * 86_400_000);
    let default = expiration.default.map(Lifetime::as_millis);
    match default.into_iter().chain(longest).min() {
        Some(ms) => format!("After {}", crate::show::duration(ms)),
        None => "Never".to_owned(),
    }
}

/// Reads the lifetime of a form; `None` = the configuration's own.
pub(in crate::pages::keys) fn read(
    fields: &Fields,
    expiration: Expiration,
    problems: &mut Problems,
) -> Option<Lifetime> {
    let days = match fields.get("expiry") {
        None | Some("default") => return None,
        Some("custom") => {
            let Some((least, most)) = range(expiration) else {
                problems.add("expiry", "The lifetime of these keys is fixed.");
                return None;
            };
            if fields.get("days").is_none() {
                problems.add("days", "Enter a number of days.");
                return None;
            }
            problems.number(fields, "days", u64::from(least)..=u64::from(most))
        }
        Some(word) => word.parse::<u32>().ok().map(u64::from).or_else(|| {
            problems.add("expiry", "Choose one of the lifetimes.");
            None
        }),
    };
    let seconds = days.and_then(|days| u32::try_from(days).ok()).map(|days| f64::from(days) * 86_400.0);
    seconds.and_then(|seconds| Lifetime::from_seconds(seconds).ok())
}
