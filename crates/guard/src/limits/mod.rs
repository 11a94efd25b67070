//! The fields with the state of a key's limits, in the dialects that clients understand: the one place that writes and reads
//! them.

mod read;
mod write;

/// The fields that tell a client how its key stands against its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LimitFields {
    /// `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11: `r` calls are left, and there are more in
    /// `t` seconds.
    #[default]
    Draft11,
    /// The same fields with the parameters of the working group's text after revision 11 (pull request 166): `a` calls are
    /// available within the next `w` seconds.
    Draft12,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, which tell of the limit with the fewest calls left.
    XRateLimit,
    /// None.
    None,
}

const RATE_LIMIT: &str = "ratelimit";
const RATE_LIMIT_POLICY: &str = "ratelimit-policy";
const X_LIMIT: &str = "x-ratelimit-limit";
const X_REMAINING: &str = "x-ratelimit-remaining";
const X_RESET: &str = "x-ratelimit-reset";

impl LimitFields {
    /// Every dialect by its word in configurations.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("draft-11", Self::Draft11),
        ("draft-12", Self::Draft12),
        ("x-ratelimit", Self::XRateLimit),
        ("none", Self::None),
    ];

    /// Returns the names of the fields, in lower case.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Draft11 | Self::Draft12 => &[RATE_LIMIT_POLICY, RATE_LIMIT],
            Self::XRateLimit => &[X_LIMIT, X_REMAINING, X_RESET],
            Self::None => &[],
        }
    }

    /// Returns the parameters of `RateLimit`: that of the calls left, and that of the seconds until there are more.
    fn parameters(self) -> (&'static str, &'static str) {
        match self {
            Self::Draft12 => ("a", "w"),
            _ => ("r", "t"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use keymint_domain::usage::Standing;

    use super::*;

    const RATE: Standing =
        Standing { limit: Standing::RATE, max: 100, window_ms: 60_000, remaining: 99, more_in_ms: Some(1) };
    const QUOTA: Standing =
        Standing { limit: Standing::QUOTA, max: u64::MAX, window_ms: 1, remaining: u64::MAX, more_in_ms: None };

    fn written(fields: LimitFields, standings: &[Standing]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        fields.write(standings.iter().copied(), |name, value| {
            assert!(fields.names().contains(&name), "{name}");
            headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
        });
        headers
    }

    fn shown(fields: LimitFields, standings: &[Standing]) -> Vec<String> {
        let headers = written(fields, standings);
        headers.values().map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn limits_are_lists_of_whole_numbers_that_a_structured_field_holds() {
        let both =
            [r#""rate";q=100;w=60, "quota";q=999999999999999;w=1"#, r#""rate";r=99;t=1, "quota";r=999999999999999"#];
        assert_eq!(shown(LimitFields::Draft11, &[RATE]), [r#""rate";q=100;w=60"#, r#""rate";r=99;t=1"#]);
        assert_eq!(shown(LimitFields::Draft11, &[RATE, QUOTA]), both);
        assert_eq!(shown(LimitFields::Draft12, &[RATE]), [r#""rate";q=100;w=60"#, r#""rate";a=99;w=1"#]);
        for (_, fields) in LimitFields::WORDS {
            assert!(shown(fields, &[]).is_empty(), "{fields:?}");
        }
    }

    #[test]
    fn the_old_fields_tell_of_the_limit_that_is_reached_first() {
        let quota = Standing { max: 1000, window_ms: 86_400_000, remaining: 7, more_in_ms: Some(3_600_001), ..QUOTA };
        assert_eq!(shown(LimitFields::XRateLimit, &[RATE]), ["100", "99", "1"]);
        assert_eq!(shown(LimitFields::XRateLimit, &[RATE, quota]), ["1000", "7", "3601"]);
        let ended = Standing { remaining: 0, more_in_ms: None, ..RATE };
        assert_eq!(shown(LimitFields::XRateLimit, &[ended, Standing { remaining: 0, ..quota }]), ["100", "0"]);
        assert!(shown(LimitFields::None, &[RATE, quota]).is_empty());
    }

    /// Every dialect is read back, without a hint of which it is.
    #[test]
    fn what_is_written_is_read_whatever_the_dialect() {
        let quota = Standing { max: 10, window_ms: 5000, remaining: 120, more_in_ms: Some(4000), ..QUOTA };
        let in_seconds = |standing: Standing| Standing { more_in_ms: Some(1000), ..standing };
        let rate = |_: u64| Standing::RATE;
        for fields in [LimitFields::Draft11, LimitFields::Draft12] {
            let read = LimitFields::read(&written(fields, &[RATE, quota]), rate);
            assert_eq!(read, [in_seconds(RATE), quota], "{fields:?}");
            let full = Standing { more_in_ms: None, ..RATE };
            assert_eq!(LimitFields::read(&written(fields, &[full]), rate), [full], "{fields:?}");
        }
        let read = LimitFields::read(&written(LimitFields::XRateLimit, &[RATE, quota]), rate);
        assert_eq!(read, [Standing { window_ms: 0, ..in_seconds(RATE) }], "the window is not told");
        assert_eq!(shown(LimitFields::Draft11, &read)[0], r#""rate";q=100"#);
        assert!(LimitFields::read(&written(LimitFields::None, &[RATE]), rate).is_empty());
    }

    #[test]
    fn what_is_no_state_of_a_limit_is_ignored() {
        for (policy, limit) in [
            ("", ""),
            (r#""rate";q=1;w=1"#, ""),
            (r#""rate";w=1"#, r#""rate";r=1"#),
            (r#""rate";q=1;w=1"#, r#""rate";t=1"#),
            (r#""rate";q=1;w=1"#, r#""rate";r=-1"#),
            (r#""rate";q=1;w=1"#, r#""rate";r="1""#),
            (r#""other";q=1;w=1"#, r#""other";r=1"#),
            ("rate;q=1;w=1", "rate;r=1"),
            (r#""rate";q=1;w=1"#, r#"("rate" "quota");r=1"#),
            (r#""rate";q=1;w=1"#, "!"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RATE_LIMIT_POLICY, HeaderValue::from_str(policy).unwrap());
            headers.insert(RATE_LIMIT, HeaderValue::from_str(limit).unwrap());
            assert!(LimitFields::read(&headers, |_| Standing::RATE).is_empty(), "{policy} {limit}");
        }
    }

    /// The example of the text after revision 11, with its parameters that Keymint does not write.
    #[test]
    fn parameters_of_others_are_ignored() {
        let mut headers = HeaderMap::new();
        headers.insert(
            RATE_LIMIT_POLICY,
            HeaderValue::from_static(r#""rate";q=100;qu="requests";w=60;pk=:R0VUH2FsaWNl:"#),
        );
        headers.insert(RATE_LIMIT, HeaderValue::from_static(r#""rate";a=99;w=60;pk=:R0VUH2FsaWNl:;c=1"#));
        headers.insert("ratelimit-partition", HeaderValue::from_static(r#""rate";user_id;method"#));
        let expected = Standing { more_in_ms: Some(60_000), ..RATE };
        assert_eq!(LimitFields::read(&headers, |_| Standing::QUOTA), [expected]);
    }

    #[test]
    fn lists_may_be_split_over_lines() {
        let mut headers = HeaderMap::new();
        headers.append(RATE_LIMIT_POLICY, HeaderValue::from_static(r#""rate";q=2;w=3"#));
        headers.append(RATE_LIMIT, HeaderValue::from_static(r#""elsewhere";r=9"#));
        headers.append(RATE_LIMIT, HeaderValue::from_static(r#""rate";r=1;pk=:eA==:"#));
        let expected = Standing { max: 2, window_ms: 3000, remaining: 1, more_in_ms: None, ..RATE };
        assert_eq!(LimitFields::read(&headers, |_| Standing::QUOTA), [expected]);
    }
}
