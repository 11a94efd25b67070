use std::collections::BTreeSet;

use super::Configuration;
use crate::organization::Roles;
use crate::{ErrorCode, Permissions, Timestamp};

impl Configuration {
    /// Returns the permissions that a user may give to keys; `None` = the configuration lets users give none.
    ///
    /// `member` is the text of the member's row for an organization's keys: roles, separated by commas. A role without a
    /// ceiling of its own, and the creator's, may grant all that is grantable; of several roles each counts.
    pub fn ceiling(&self, roles: &Roles, member: Option<&str>) -> Option<Permissions> {
        let grantable = self.grantable.as_ref()?;
        let Some(member) = member else { return Some(grantable.clone()) };
        let mut granted = Vec::new();
        for name in member.split(',') {
            let own = self.grantable_by_role.iter().find(|(role, _)| role.as_str() == name);
            match own.filter(|_| name != roles.creator.as_str()) {
                None => return Some(grantable.clone()),
                Some((_, own)) => granted.push(grantable.met(own, self.wildcards)),
            }
        }
        Some(together(&granted))
    }

    /// Returns the permissions that a user may give to keys of one organization or another; `None` = the configuration lets users
    /// give none. `members` are the texts of the user's rows in all of them.
    pub fn ceiling_of_any<'m>(&self, roles: &Roles, members: impl IntoIterator<Item = &'m str>) -> Option<Permissions> {
        self.grantable.as_ref()?;
        let each: Vec<_> = members.into_iter().filter_map(|member| self.ceiling(roles, Some(member))).collect();
        Some(together(&each))
    }

    /// Returns the part of `asked` that is above `ceiling`; `None` = nothing is.
    pub fn above(&self, ceiling: &Permissions, asked: &Permissions) -> Option<Permissions> {
        let missing = asked.lacking_in(Some(ceiling), self.wildcards)?;
        // Asking for nothing is no more than anybody may.
        let names_any = missing.pairs().next().is_some();
        names_any.then_some(missing)
    }

    /// Checks that a key that was made at `created_at` may live until `expires_at`; `None` = for ever.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::ExpiresInIsTooLarge`] if that is longer than
    /// [`max_lifetime_ms`](super::Expiration::max_lifetime_ms).
    pub(crate) fn check_end(&self, created_at: Timestamp, expires_at: Option<Timestamp>) -> Result<(), ErrorCode> {
        let Some(longest) = self.expiration.max_lifetime_ms() else { return Ok(()) };
        let last = created_at.plus_millis(longest);
        if expires_at.is_some_and(|at| at <= last) { Ok(()) } else { Err(ErrorCode::ExpiresInIsTooLarge) }
    }
}

/// Returns what any of these permissions grants, each once.
fn together(granted: &[Permissions]) -> Permissions {
    let pairs: BTreeSet<_> = granted.iter().flat_map(Permissions::pairs).collect();
    Permissions::from_pairs(pairs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::organization::RoleName;

    fn configuration() -> Configuration {
        Configuration {
            grantable: Some(Permissions::of(&[("files", &["read", "write"]), ("users", &["read"])])),
            grantable_by_role: vec![
                (RoleName::parse("member").unwrap(), Permissions::of(&[("*", &["read"])])),
                (RoleName::parse("editor").unwrap(), Permissions::of(&[("files", &["*"])])),
                (RoleName::parse("owner").unwrap(), Permissions::of(&[])),
            ],
            ..Configuration::default()
        }
    }

    #[test]
    fn a_member_may_grant_what_their_roles_allow_of_what_is_grantable() {
        let (configuration, roles) = (configuration(), Roles::default());
        let all = configuration.grantable.clone().unwrap();
        for (member, may, may_not) in [
            (None, all.clone(), Permissions::of(&[("files", &["delete"])])),
            (
                Some("member"),
                Permissions::of(&[("files", &["read"]), ("users", &["read"])]),
                Permissions::of(&[("files", &["write"])]),
            ),
            (
                Some("editor"),
                Permissions::of(&[("files", &["read", "write"])]),
                Permissions::of(&[("users", &["read"])]),
            ),
            (Some("member,editor"), all.clone(), Permissions::of(&[("files", &["*"])])),
            (Some("owner"), all.clone(), Permissions::of(&[("*", &["read"])])),
            (Some("stranger"), all.clone(), Permissions::of(&[("*", &["*"])])),
        ] {
            let ceiling = configuration.ceiling(&roles, member).unwrap();
            assert_eq!(configuration.above(&ceiling, &may), None, "{member:?}");
            assert_eq!(configuration.above(&ceiling, &may_not), Some(may_not), "{member:?}");
            assert_eq!(configuration.above(&ceiling, &Permissions::of(&[])), None);
        }
        assert_eq!(Configuration::default().ceiling(&roles, None), None);

        let read = Permissions::of(&[("files", &["read"]), ("users", &["read"])]);
        assert_eq!(configuration.ceiling(&roles, Some("member,member")), Some(read.clone()), "each is granted once");
        for (members, may) in [
            (&[][..], Permissions::of(&[])),
            (&["member"], read),
            (&["member", "editor"], all.clone()),
            (&["member", "owner"], all),
        ] {
            assert_eq!(configuration.ceiling_of_any(&roles, members.iter().copied()), Some(may), "{members:?}");
        }
        assert_eq!(Configuration::default().ceiling_of_any(&roles, ["owner"]), None);
    }

    fn permissions() -> impl Strategy<Value = Permissions> {
        let word = prop::sample::select(vec!["a", "b", "*"]);
        prop::collection::vec((word.clone(), word), 0..4).prop_map(Permissions::from_pairs)
    }

    proptest! {
        #[test]
        fn what_two_grant_together_is_what_each_of_them_grants(
            one in permissions(),
            other in permissions(),
            asked in permissions(),
            wildcards in any::<bool>(),
        ) {
            let grants = |granted: &Permissions| {
                asked.lacking_in(Some(granted), wildcards).is_none_or(|missing| missing.pairs().next().is_none())
            };
            prop_assert_eq!(grants(&one.met(&other, wildcards)), grants(&one) && grants(&other));
        }
    }
}
