use std::fmt;

/// An e-mail address in lower case, as Better Auth stores and compares them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(Box<str>);

/// The largest length of an address in bytes: 64 before the `@` and 255 after it (RFC 5321 4.5.3.1).
const MAX_LENGTH: usize = 320;

/// The error for a text that is not an e-mail address. The message is Better Auth's (docs/better-auth-wire.md 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid email address")]
pub struct InvalidEmail;

impl Email {
    /// Takes the addresses that zod's `email()` takes, and converts them to lower case.
    ///
    /// Before the `@`: letters, digits and `_'+-.`, without a dot at either end or two in a row. After it: labels of
    /// letters, digits and hyphens, the last one of two or more letters.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidEmail`] for any other text, and for one of more than 320 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let (labels, top) = domain.rsplit_once('.').ok_or(InvalidEmail)?;
        let fits = text.len() <= MAX_LENGTH
            && is_local(local)
            && labels.split('.').all(is_label)
            && top.len() >= 2
            && top.bytes().all(|byte| byte.is_ascii_alphabetic());
        if fits { Ok(Self(text.to_ascii_lowercase().into())) } else { Err(InvalidEmail) }
    }

    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_local(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_'+-.".contains(&byte);
    let last = |byte: &u8| byte.is_ascii_alphanumeric() || b"_+-".contains(byte);
    text.bytes().all(inner)
        && text.as_bytes().last().is_some_and(last)
        && !text.starts_with('.')
        && !text.contains("..")
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) && text.bytes().all(inner)
}

/// Prints only the domain: the rest is personal data.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email(..@{})", self.0.rsplit('@').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_zod_takes() {
        for text in ["a@b.co", "Ada.Lovelace+x@Sub.Example.com", "o'neil@a-b.example", "_@1.aa", "a-@b-.co"] {
            assert_eq!(Email::parse(text).map(|email| email.as_str().to_owned()), Ok(text.to_lowercase()), "{text}");
        }
        for text in [
            "",
            "@",
            "a",
            "a@b",
            "a@b.c",
            "a@.co",
            "a@b..co",
            ".a@b.co",
            "a.@b.co",
            "a..b@c.co",
            "a b@c.co",
            "a@-b.co",
            "a'@b.co",
            "ä@b.co",
            "a@bücher.de",
            "a@b.co ",
            "a@@b.co",
            "a@b.c0",
            "a@b.co\n",
            "@b.co",
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn an_address_has_an_end() {
        assert!(Email::parse(&format!("{}@b.co", "a".repeat(315))).is_ok());
        assert_eq!(Email::parse(&format!("{}@b.co", "a".repeat(316))), Err(InvalidEmail));
    }

    #[test]
    fn debug_hides_the_name() {
        assert_eq!(format!("{:?}", Email::parse("ada@example.com")), "Ok(Email(..@example.com))");
    }
}
