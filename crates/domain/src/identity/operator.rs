use std::collections::BTreeSet;
use std::fmt;

use super::{Email, User};
use crate::Timestamp;

/// The role of Better Auth's admin plugin whose users are operators.
const ADMIN: &str = "admin";

/// The addresses of operators that a deployment names.
///
/// An address counts once its user has proved that it is theirs, and nobody signs up with it: otherwise whoever registers it
/// first would be an operator.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Operators(BTreeSet<Email>);

impl Operators {
    /// Takes the addresses.
    pub fn new(addresses: impl IntoIterator<Item = Email>) -> Self {
        Self(addresses.into_iter().collect())
    }

    /// Returns true if nobody may sign up with this address.
    pub fn reserves(&self, email: &Email) -> bool {
        self.0.contains(email)
    }

    /// Returns true if this user is an operator by their row alone: by their role, or by an address of theirs.
    pub fn includes(&self, user: &User) -> bool {
        user.has_role(ADMIN)
            || (user.email_verified && Email::parse(&user.email).is_ok_and(|email| self.reserves(&email)))
    }

    /// Returns true if this user is an operator at `now`. `is_kept` says that the store keeps them as one. A banned user is
    /// none.
    pub fn admits(&self, user: &User, is_kept: bool, now: Timestamp) -> bool {
        !user.is_banned(now) && (is_kept || self.includes(user))
    }
}

/// Prints the number alone: addresses are personal data.
impl fmt::Debug for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operators({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::UserId;
    use crate::verify::Ban;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn user(email: &str) -> User {
        User {
            id: UserId::parse("ada").unwrap(),
            name: String::new(),
            email: email.to_owned(),
            email_verified: true,
            image: None,
            created_at: NOW,
            updated_at: NOW,
            ban: None,
            role: None,
        }
    }

    fn operators() -> Operators {
        Operators::new([Email::parse("Ada@example.com").unwrap()])
    }

    #[test]
    fn an_address_counts_once_it_is_proved() {
        let ada = user("ada@example.com");
        assert!(operators().admits(&ada, false, NOW));
        assert!(!operators().admits(&User { email_verified: false, ..ada.clone() }, false, NOW));
        assert!(!Operators::default().admits(&ada, false, NOW));
        for other in ["ada@example.org", "a@example.com", "", "ada@example.com "] {
            assert!(!operators().admits(&user(other), false, NOW), "{other}");
        }
        assert!(operators().reserves(&Email::parse("ADA@Example.com").unwrap()));
        assert!(!operators().reserves(&Email::parse("eve@example.com").unwrap()));
    }

    #[test]
    fn a_role_is_one_of_a_list() {
        let with = |role: &str| User { role: Some(role.to_owned()), ..user("eve@example.com") };
        for role in ["admin", "user,admin", "admin,user", "a,admin,b"] {
            assert!(Operators::default().admits(&with(role), false, NOW), "{role}");
        }
        for role in ["", "user", "Admin", "administrator", "admin user", "user, admin", ","] {
            assert!(!Operators::default().admits(&with(role), false, NOW), "{role}");
        }
    }

    #[test]
    fn nobody_banned_is_an_operator_by_any_way() {
        let banned = |until| User { ban: Some(Ban { until }), role: Some(ADMIN.to_owned()), ..user("ada@example.com") };
        assert!(!operators().admits(&banned(None), true, NOW));
        assert!(!operators().admits(&banned(Some(NOW.plus_millis(1))), true, NOW));
        assert!(operators().admits(&banned(Some(NOW.minus_millis(1))), true, NOW));
        assert!(Operators::default().admits(&user("eve@example.com"), true, NOW));
    }

    #[test]
    fn debug_hides_addresses() {
        assert_eq!(format!("{:?}", operators()), "Operators(1)");
    }
}
