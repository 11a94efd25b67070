//! Readers of stored numbers and texts. Better Auth bounds few of its numbers, and stores them as they came.

/// The largest integer that JavaScript, and so every reader of the tables, represents exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;

/// Reads a stored number as a count. Numbers below 0 are 0.
pub fn count_of_integer(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Reads a stored number with a fraction, or beyond all integers, as a count.
///
/// It is rounded up: Better Auth admits calls while the count is smaller than the limit, so that a part of a call
/// admits one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to whole numbers")]
pub fn count_of_real(number: f64) -> u64 {
    number.ceil().clamp(0.0, MAX_EXACT) as u64
}

/// Replaces lone surrogates (`\ud800`) in a JSON text by U+FFFD. JavaScript writes them, but Rust's strings cannot hold
/// them.
pub(super) fn without_halves(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(place) = rest.find('\\') {
        let (before, escape) = rest.split_at(place);
        text.push_str(before);
        let length = match (unit(escape), unit(escape.get(6..).unwrap_or_default())) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                text.push('\u{fffd}');
                rest = &escape[6..];
                continue;
            }
            (Some(_), _) => 6,
            // The backslash, and the character after it.
            (None, _) => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        text.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    text.push_str(rest);
    text
}

/// Returns the UTF-16 unit of the escape at the beginning of a text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_for_whole_ones_that_are_not_negative() {
        for (number, count) in [(-1, 0), (i64::MIN, 0), (0, 0), (7, 7), (i64::MAX, 9_223_372_036_854_775_807)] {
            assert_eq!(count_of_integer(number), count, "{number}");
        }
        let exact = 9_007_199_254_740_991;
        for (number, count) in
            [(-0.5, 0), (0.5, 1), (1.5, 2), (-3.0, 0), (1e30, exact), (f64::INFINITY, exact), (f64::NAN, 0)]
        {
            assert_eq!(count_of_real(number), count, "{number}");
        }
    }

    #[test]
    fn only_halves_of_characters_are_replaced() {
        for (json, without) in [
            (r#"["\ud800"]"#, "[\"\u{fffd}\"]"),
            (r#"["\udc00\ud83d\ude00\ud800x"]"#, "[\"\u{fffd}\\ud83d\\ude00\u{fffd}x\"]"),
            (r#"["\\ud800","\"","\n","\u0041"]"#, r#"["\\ud800","\"","\n","\u0041"]"#),
            (r"\ud8", r"\ud8"),
            (r"\é\", r"\é\"),
            (r"\u+123", r"\u+123"),
        ] {
            assert_eq!(without_halves(json), without, "{json}");
        }
    }
}
