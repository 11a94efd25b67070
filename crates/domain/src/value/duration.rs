use std::time::Duration;

/// The units of durations in text, each with its milliseconds.
const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// The error for a text that is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a duration, as in 30d, 12h, 5m, 10s, 250ms or 1h30m")]
pub struct InvalidDuration;

/// Reads a duration as people write it: whole numbers, each followed by `w`, `d`, `h`, `m`, `s` or `ms`, which are added.
///
/// A day has 24 hours. Months and years have no fixed length, and no unit.
///
/// # Errors
///
/// Returns [`InvalidDuration`] for any other text, and for a duration beyond 64 bits of milliseconds.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let (mut rest, mut all) = (text, 0_u64);
    loop {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).ok_or(InvalidDuration)?;
        let (number, behind) = rest.split_at(digits);
        let unit_ends = behind.find(|character: char| character.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(unit_ends);
        let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(InvalidDuration)?;
        let number: u64 = number.parse().map_err(|_| InvalidDuration)?;
        let part = number.checked_mul(*ms).ok_or(InvalidDuration)?;
        all = all.checked_add(part).ok_or(InvalidDuration)?;
        if next.is_empty() {
            return Ok(Duration::from_millis(all));
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_added() {
        for (text, ms) in [
            ("30d", 2_592_000_000),
            ("12h", 43_200_000),
            ("1h30m", 5_400_000),
            ("2w", 1_209_600_000),
            ("0s", 0),
            ("10s250ms", 10_250),
            ("18446744073709551615ms", u64::MAX),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in [
            "",
            "30",
            "d",
            "-1d",
            "1.5h",
            "1 h",
            " 1h",
            "1h ",
            "1H",
            "1y",
            "1mo",
            "1h30",
            "1é2s",
            "18446744073709551616ms",
            "18446744073709551615s",
            "18446744073709551615ms1ms",
        ] {
            assert_eq!(parse_duration(text), Err(InvalidDuration), "{text}");
        }
    }
}
