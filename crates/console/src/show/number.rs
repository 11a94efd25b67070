/// Returns a number with commas between its thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number with its noun.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// The units of a duration, in milliseconds, the largest first.
const UNITS: [(u64, &str, &str); 5] = [
    (7 * 86_400_000, "week", "weeks"),
    (86_400_000, "day", "days"),
    (3_600_000, "hour", "hours"),
    (60_000, "minute", "minutes"),
    (1000, "second", "seconds"),
];

/// Returns a duration in the largest unit that is exact, else to one decimal in the largest that fits.
pub(crate) fn duration(ms: u64) -> String {
    let exact = UNITS.iter().find(|(unit, _, _)| ms >= *unit && ms.is_multiple_of(*unit));
    if let Some((unit, one, many)) = exact {
        return plural(ms / unit, one, many);
    }
    let Some((unit, _, many)) = UNITS.iter().find(|(unit, _, _)| ms >= *unit) else {
        return format!("{ms} ms");
    };
    let tenths = ms * 10 / unit;
    format!("{}.{} {many}", count(tenths / 10), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!([0, 7, 999, 1000, 1_234_567].map(count), ["0", "7", "999", "1,000", "1,234,567"]);
        assert_eq!(plural(1, "key", "keys"), "1 key");
        assert_eq!(plural(2000, "key", "keys"), "2,000 keys");
        let texts = [500, 1000, 90_000, 3_600_000, 86_400_000, 14 * 86_400_000, 2 * 86_400_000].map(duration);
        assert_eq!(texts, ["500 ms", "1 second", "90 seconds", "1 hour", "1 day", "2 weeks", "2 days"]);
        assert_eq!(duration(90_500), "1.5 minutes");
    }
}
