use crate::ErrorCode;

/// An action on an organization's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Create a key.
    Create,
    /// See the keys.
    Read,
    /// Change a key.
    Update,
    /// Remove or revoke a key.
    Delete,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 4] = [Self::Create, Self::Read, Self::Update, Self::Delete];

    /// Returns the action's name in Better Auth's access control.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The name of one role: a text without commas, which separate the roles of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleName(Box<str>);

/// The error for a text that is not a role's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a role's name, without commas")]
pub struct InvalidRole;

impl RoleName {
    /// Takes any text that is not empty and contains neither a comma nor U+0000.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRole`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidRole> {
        if text.is_empty() || text.contains([',', '\0']) { Err(InvalidRole) } else { Ok(Self(text.into())) }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A role and the actions that it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The role's name.
    pub name: RoleName,
    /// The actions that its members may take on the organization's keys.
    pub actions: Vec<Action>,
}

/// The roles of a deployment (docs/better-auth-wire.md 10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// The role of an organization's creator, which allows every action.
    pub creator: RoleName,
    /// The other roles that allow some action.
    pub others: Vec<Role>,
}

impl Roles {
    /// Checks that a member may take `action`.
    ///
    /// `member` is the text of the member's row: one role, or several separated by commas; `None` = no member.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::UserNotMemberOfOrganization`] if there is no member, and
    /// [`ErrorCode::InsufficientApiKeyPermissions`] if none of the roles allows the action.
    pub fn authorize(&self, member: Option<&str>, action: Action) -> Result<(), ErrorCode> {
        let roles = member.ok_or(ErrorCode::UserNotMemberOfOrganization)?;
        let allows = |name: &str| {
            let granted = |role: &Role| role.name.as_str() == name && role.actions.contains(&action);
            name == self.creator.as_str() || self.others.iter().any(granted)
        };
        if roles.split(',').any(allows) { Ok(()) } else { Err(ErrorCode::InsufficientApiKeyPermissions) }
    }
}

impl Default for Roles {
    /// Returns Better Auth's default: only the creator's role `owner` allows anything.
    fn default() -> Self {
        Self { creator: RoleName("owner".into()), others: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_may_do_what_any_of_their_roles_allows() {
        let role = |name: &str, actions: &[Action]| Role { name: RoleName(name.into()), actions: actions.to_vec() };
        let others = vec![role("admin", &[Action::Read, Action::Delete]), role("member", &[Action::Read])];
        let roles = Roles { others, ..Roles::default() };
        let refused = Err(ErrorCode::InsufficientApiKeyPermissions);
        for (member, action, answer) in [
            (Some("owner"), Action::Delete, Ok(())),
            (Some("member,owner"), Action::Create, Ok(())),
            (Some("member,admin"), Action::Delete, Ok(())),
            (Some("member"), Action::Read, Ok(())),
            (Some("member"), Action::Update, refused),
            (Some("Owner"), Action::Read, refused),
            (Some(""), Action::Read, refused),
            (Some("guest"), Action::Read, refused),
            (None, Action::Read, Err(ErrorCode::UserNotMemberOfOrganization)),
        ] {
            assert_eq!(roles.authorize(member, action), answer, "{member:?} {action:?}");
        }
        assert_eq!(Roles::default().authorize(Some("admin"), Action::Read), refused);
    }
}
