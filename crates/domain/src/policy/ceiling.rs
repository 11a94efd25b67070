use std::collections::BTreeSet;

use super::Configuration;
use crate::organization::Roles;
use crate::{ErrorCode, Permissions, Timestamp};

/// The permissions that a user may give to keys.
///
/// Permissions that a key has already are not given: a user may keep on a key what they may not give to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ceiling {
    /// The permissions.
    pub permissions: Permissions,
    wildcards: bool,
}

impl Ceiling {
    /// Returns the part of `asked` that is above the ceiling, and that a key with the permissions `before` does not have yet;
    /// `None` = nothing is.
    pub fn above(&self, before: Option<&Permissions>, asked: &Permissions) -> Option<Permissions> {
        let above = asked.lacking_in(Some(&self.permissions), self.wildcards)?;
        let added = above.lacking_in(before, self.wildcards)?;
        // Asking for nothing is no more than anybody may.
        let names_any = added.pairs().next().is_some();
        names_any.then_some(added)
    }

    /// Returns `asked` without the part that is [above](Self::above) the ceiling; `None` = all of it is.
    pub(crate) fn within(&self, before: Option<&Permissions>, asked: Permissions) -> Option<Permissions> {
        match self.above(before, &asked) {
            None => Some(asked),
            Some(above) => asked.lacking_in(Some(&above), false),
        }
    }
}

impl Configuration {
    /// Returns the permissions that a user may give to keys; `None` = the configuration lets users give none.
    ///
    /// `member` is the text of the member's row for an organization's keys: roles, separated by commas. A role without a
    /// ceiling of its own, and the creator's, may grant all that is grantable; of several roles each counts.
    pub fn ceiling(&self, roles: &Roles, member: Option<&str>) -> Option<Ceiling> {
        let ceiling = |permissions| Ceiling { permissions, wildcards: self.wildcards };
        let grantable = self.grantable.as_ref()?;
        let Some(member) = member else { return Some(ceiling(grantable.clone())) };
        let mut granted = Vec::new();
        for name in member.split(',') {
            let own = self.grantable_by_role.iter().find(|(role, _)| role.as_str() == name);
            match own.filter(|_| name != roles.creator.as_str()) {
                None => return Some(ceiling(grantable.clone())),
                Some((_, own)) => granted.push(grantable.met(own, self.wildcards)),
            }
        }
        Some(ceiling(together(&granted)))
    }

    /// Returns the permissions that a user may give to keys of one organization or another; `None` = the configuration lets users
    /// give none. `members` are the texts of the user's rows in all of them.
    pub fn ceiling_of_any<'m>(&self, roles: &Roles, members: impl IntoIterator<Item = &'m str>) -> Option<Permissions> {
        self.grantable.as_ref()?;
        let ceilings = members.into_iter().filter_map(|member| self.ceiling(roles, Some(member)));
        let each: Vec<_> = ceilings.map(|ceiling| ceiling.permissions).collect();
        Some(together(&each))
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
            assert_eq!(ceiling.above(None, &may), None, "{member:?}");
            assert_eq!(ceiling.above(None, &may_not), Some(may_not), "{member:?}");
            assert_eq!(ceiling.above(None, &Permissions::of(&[])), None);
        }
        assert_eq!(Configuration::default().ceiling(&roles, None), None);

        let read = Permissions::of(&[("files", &["read"]), ("users", &["read"])]);
        let twice = configuration.ceiling(&roles, Some("member,member")).unwrap();
        assert_eq!(twice.permissions, read, "each is granted once");
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

    #[test]
    fn what_a_key_has_it_may_keep_and_only_additions_are_above() {
        let (files, users) =
            (Permissions::of(&[("files", &["read"])]), Permissions::of(&[("users", &["read", "delete"])]));
        let all = Permissions::of(&[("*", &["*"])]);
        let both = Permissions::of(&[("files", &["read"]), ("users", &["delete"])]);
        let delete = Permissions::of(&[("users", &["delete"])]);
        let ceiling = Ceiling { permissions: files.clone(), wildcards: true };
        for (before, asked, above, within) in [
            (Some(&users), &both, None, Some(&both)),
            (Some(&users), &all, Some(&all), None),
            (Some(&all), &both, None, Some(&both)),
            (Some(&all), &all, None, Some(&all)),
            (Some(&files), &both, Some(&delete), Some(&files)),
            (None, &both, Some(&delete), Some(&files)),
            (None, &delete, Some(&delete), None),
        ] {
            assert_eq!(ceiling.above(before, asked).as_ref(), above, "{before:?} {asked:?}");
            assert_eq!(ceiling.within(before, asked.clone()).as_ref(), within, "{before:?} {asked:?}");
        }
        let by_name = Ceiling { permissions: files, wildcards: false };
        assert_eq!(by_name.above(Some(&all), &both), Some(delete), "a star is a name");
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
