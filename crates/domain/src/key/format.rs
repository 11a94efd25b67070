//! The two formats of a key's text. The checked one ends in a checksum, as GitHub's tokens do (ADR 71).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::PlainKey;
use crate::Randomness;

/// The format of the random part of a key's text, which follows its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyFormat {
    /// The random bytes in base64url without padding, as Better Auth's own keys may be.
    #[default]
    Base64Url,
    /// The random bytes in base62, at a fixed width, and [`KeyFormat::SUM_DIGITS`] base62 digits of the CRC-32 of all
    /// characters before them.
    Checked,
}

/// The digits of base62, in the order that GitHub's tokens use.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl KeyFormat {
    /// The number of base62 digits of a checksum.
    pub const SUM_DIGITS: usize = 6;

    /// Generates a key: `prefix`, followed by `random_bytes` random bytes in this format.
    pub fn generate(self, prefix: &str, random_bytes: usize, fill: Randomness<'_>) -> PlainKey {
        let mut bytes = vec![0; random_bytes];
        fill(&mut bytes);
        let mut text = String::from(prefix);
        match self {
            Self::Base64Url => URL_SAFE_NO_PAD.encode_string(bytes, &mut text),
            Self::Checked => {
                let width = base62_width(random_bytes);
                text.extend(base62(bytes, width));
                text.extend(sum_of(text.as_bytes()).map(char::from));
            }
        }
        PlainKey::new(text)
    }

    /// Returns the number of characters that follow the prefix of a key of `random_bytes` random bytes.
    pub fn length(self, random_bytes: usize) -> usize {
        match self {
            Self::Base64Url => (random_bytes * 8).div_ceil(6),
            Self::Checked => base62_width(random_bytes) + Self::SUM_DIGITS,
        }
    }
}

impl PlainKey {
    /// Returns true if the text ends in its checksum, as one of [`KeyFormat::Checked`] does.
    ///
    /// One text in 2³² does so by chance.
    pub fn has_valid_sum(&self) -> bool {
        let text = self.expose().as_bytes();
        let Some(body) = text.len().checked_sub(KeyFormat::SUM_DIGITS) else { return false };
        let (body, sum) = text.split_at(body);
        sum_of(body) == *sum
    }
}

/// Returns the number of base62 digits that hold every value of `bytes` bytes.
fn base62_width(bytes: usize) -> usize {
    // A digit holds log2(62) = 5.9541963.. bits. The test below compares the result with the digits themselves.
    (bytes * 8 * 1_000_000).div_ceil(5_954_196)
}

/// Returns the digits of a big-endian number, the highest first.
fn base62(mut number: Vec<u8>, width: usize) -> impl Iterator<Item = char> {
    let mut digits = vec![DIGITS[0]; width];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u16;
        for byte in &mut number {
            let value = rest << 8 | u16::from(*byte);
            // The rest was below 62, so that the quotient is below 256.
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        *digit = DIGITS[usize::from(rest)];
    }
    digits.into_iter().map(char::from)
}

/// Returns the checksum of a text.
fn sum_of(text: &[u8]) -> [u8; KeyFormat::SUM_DIGITS] {
    let mut rest = crc32(text);
    let mut digits = [DIGITS[0]; KeyFormat::SUM_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// The CRC-32 of each byte, with IEEE 802.3's polynomial.
const CRC_OF_BYTE: [u32; 256] = {
    let mut table = [0; 256];
    let (mut place, mut byte) = (0, 0_u32);
    while place < table.len() {
        let (mut crc, mut bit) = (byte, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[place] = crc;
        place += 1;
        byte += 1;
    }
    table
};

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| crc >> 8 ^ CRC_OF_BYTE[usize::from(crc.to_le_bytes()[0] ^ byte)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn generated(format: KeyFormat, prefix: &str, bytes: &[u8]) -> PlainKey {
        format.generate(prefix, bytes.len(), &mut |filled: &mut [u8]| filled.copy_from_slice(bytes))
    }

    #[test]
    fn base64url_is_the_format_of_old() {
        let key = generated(KeyFormat::Base64Url, "sk_", &[0xff; 32]);
        assert_eq!(key.expose(), format!("sk_{}8", "_".repeat(42)));
    }

    /// The expected texts are from Python's `zlib.crc32` and its integers.
    #[test]
    fn checked_keys_are_those_that_python_makes() {
        let upwards = |from: u8, bytes: u8| (from..from + bytes).collect::<Vec<_>>();
        for (prefix, bytes, text) in [
            ("sk_", upwards(0, 16), "sk_000SYW7RiJxkEgOGusQGwp22Ma5E"),
            ("sk_live_", upwards(200, 32), "sk_live_lc0fkuzExgy6YduBSD0TT0zcPORyXq8NUkmmHIKQ8gh12g41T"),
            ("", vec![0xff; 32], "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp13sRzl1"),
            ("k-", vec![0; 20], "k-00000000000000000000000000008n5oo"),
        ] {
            let key = generated(KeyFormat::Checked, prefix, &bytes);
            assert_eq!(key.expose(), text);
            assert!(key.has_valid_sum());
        }
    }

    /// GitHub computes its tokens' checksum without their prefix.
    #[test]
    fn the_checksum_is_that_of_githubs_tokens() {
        assert!(PlainKey::new("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17").has_valid_sum());
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of CRC-32/ISO-HDLC");
    }

    #[test]
    fn every_length_has_room_for_its_highest_number_and_no_digit_too_many() {
        for bytes in 1..=256 {
            let width = base62_width(bytes);
            let highest: String = base62(vec![0xff; bytes], width).collect();
            assert!(!highest.starts_with('0'), "{bytes}");
            // One digit less would lose the highest digits.
            let more: String = base62(vec![0xff; bytes], width + 1).collect();
            assert_eq!(more, format!("0{highest}"), "{bytes}");
            assert_eq!(
                generated(KeyFormat::Checked, "", &vec![0xff; bytes]).expose().len(),
                KeyFormat::Checked.length(bytes)
            );
            assert_eq!(
                generated(KeyFormat::Base64Url, "", &vec![0xff; bytes]).expose().len(),
                KeyFormat::Base64Url.length(bytes)
            );
        }
    }

    #[test]
    fn short_texts_and_other_characters_have_no_valid_sum() {
        for text in
            ["", "0", "00000", "ööö", "sk_😀😀😀", "sk_000SYW7RiJxkEgOGusQGwp22Ma5e", "sk_000SYW7RiJxkEgOGusQGwp22Ma5"]
        {
            assert!(!PlainKey::new(text).has_valid_sum(), "{text}");
        }
        assert!(PlainKey::new("000000").has_valid_sum(), "the checksum of nothing is 0");
    }

    proptest! {
        #[test]
        fn a_change_of_one_character_is_noticed(
            bytes in prop::collection::vec(any::<u8>(), 16..64),
            place in any::<prop::sample::Index>(),
            digit in any::<prop::sample::Index>(),
        ) {
            let key = generated(KeyFormat::Checked, "sk_", &bytes);
            prop_assert!(key.has_valid_sum());
            let mut text = key.expose().as_bytes().to_vec();
            let (place, digit) = (place.index(text.len()), *digit.get(&DIGITS[..]));
            prop_assume!(text[place] != digit);
            text[place] = digit;
            prop_assert!(!PlainKey::new(String::from_utf8(text).unwrap()).has_valid_sum());
        }
    }
}
