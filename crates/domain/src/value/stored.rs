//! Numbers and texts of stored rows, as what they stand for. Better Auth bounds few of its numbers, and keeps them as they came.

/// The largest number that every reader of the tables has exactly: JavaScript's.
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;

/// A stored number as a count: below zero there is none.
pub fn count_of_integer(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A stored number with a fraction, or beyond all integers, as a count. A part of a call admits one, as Better Auth has it:
/// it admits while what is counted is smaller.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to whole numbers")]
pub fn count_of_real(number: f64) -> u64 {
    number.ceil().clamp(0.0, MAX_EXACT) as u64
}

/// A JSON text without lone halves of characters (`\ud800`), which JavaScript writes, and which no text of ours can hold:
/// each becomes U+FFFD.
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
            // The backslash, and the character behind it.
            (None, _) => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        text.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    text.push_str(rest);
    text
}

/// The UTF-16 unit that an escape at the beginning of a text stands for.
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
