/// Returns the known key that `typed` may be meant to be: at most two typing errors away, and not another word
/// altogether.
pub(super) fn nearest(typed: &str, known: &[&'static str]) -> Option<&'static str> {
    let slips = |known: &&'static str| (strsim::damerau_levenshtein(typed, known), *known);
    let (slips, nearest) = known.iter().map(slips).min()?;
    (slips <= 2 && slips * 3 <= nearest.len()).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_recognised_and_other_words_are_not() {
        let known = ["listen", "base_url", "url", "max"];
        for (typed, expected) in [
            ("lisetn", Some("listen")),
            ("baseurl", Some("base_url")),
            ("uri", Some("url")),
            ("min", None),
            ("secret", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, &known), expected, "{typed}");
        }
    }
}
