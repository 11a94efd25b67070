use std::fmt;

/// The name of a pepper, which is that of its environment variable: letters, digits and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PepperName(Box<str>);

/// The reason why a text is no pepper, or no name of one. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPepper {
    /// A name has other characters, or too many.
    #[error("must be the name of an environment variable: 1 to {max} letters, digits and _", max = PepperName::MAX)]
    Name,
    /// A pepper is empty.
    #[error("is empty, and is needed to verify keys by hmac-sha256")]
    Empty,
}

impl PepperName {
    /// The largest number of characters.
    pub const MAX: usize = 100;

    /// Takes 1 to 100 letters, digits and `_`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidPepper::Name`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidPepper> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if text.is_empty() || text.len() > Self::MAX || !text.bytes().all(fits) {
            return Err(InvalidPepper::Name);
        }
        Ok(Self(text.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PepperName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret that another system kept beside its database, and used as the key of every HMAC.
#[derive(Clone, PartialEq, Eq)]
pub struct Pepper {
    name: PepperName,
    secret: Box<[u8]>,
}

impl Pepper {
    /// Takes any bytes.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidPepper::Empty`] if there are none.
    pub fn new(name: PepperName, secret: impl AsRef<[u8]>) -> Result<Self, InvalidPepper> {
        let secret = secret.as_ref();
        if secret.is_empty() { Err(InvalidPepper::Empty) } else { Ok(Self { name, secret: secret.into() }) }
    }

    /// Returns the name.
    pub fn name(&self) -> &PepperName {
        &self.name
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.secret
    }
}

/// Prints the name alone.
impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pepper").field(&self.name.0).finish()
    }
}

/// The peppers that a server knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peppers(Vec<Pepper>);

impl Peppers {
    /// Takes peppers. Of two with one name, the first one counts.
    pub fn new(peppers: Vec<Pepper>) -> Self {
        Self(peppers)
    }

    /// Finds the pepper of this name.
    pub fn find(&self, name: &PepperName) -> Option<&Pepper> {
        self.0.iter().find(|pepper| pepper.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_a_variable() {
        for text in ["A", "OLD_PEPPER_2", &"x".repeat(100)] {
            assert_eq!(PepperName::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "A B", "A:B", "ä", &"x".repeat(101)] {
            assert_eq!(PepperName::parse(text), Err(InvalidPepper::Name), "{text}");
        }
    }

    #[test]
    fn a_pepper_has_bytes_and_shows_none() {
        let name = PepperName::parse("OLD").unwrap();
        assert_eq!(Pepper::new(name.clone(), ""), Err(InvalidPepper::Empty));
        let pepper = Pepper::new(name, "hush").unwrap();
        assert_eq!(format!("{:?}", Peppers::new(vec![pepper])), r#"Peppers([Pepper("OLD")])"#);
    }
}
