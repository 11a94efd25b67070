use crate::ErrorCode;

/// What somebody wants to do with an organization's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Make one.
    Create,
    /// See them.
    Read,
    /// Change one.
    Update,
    /// Remove or revoke one.
    Delete,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 4] = [Self::Create, Self::Read, Self::Update, Self::Delete];

    /// The action's name, as Better Auth's access control has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One role's name: a text without commas, which separate the roles of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleName(Box<str>);

/// A text that is no role's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a role's name, without commas")]
pub struct InvalidRole;

impl RoleName {
    /// Takes any text that is not empty, and holds neither a comma nor U+0000.
    pub fn parse(text: &str) -> Result<Self, InvalidRole> {
        if text.is_empty() || text.contains([',', '\0']) { Err(InvalidRole) } else { Ok(Self(text.into())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A role, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// What its members may do with the organization's keys.
    pub actions: Vec<Action>,
}

/// What the roles of a deployment allow (docs/better-auth-wire.md 10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// The role of those who create an organization, which may do everything.
    pub creator: RoleName,
    /// The other roles that may do something.
    pub others: Vec<Role>,
}

impl Roles {
    /// Whether a member may do `action`. `member` is the text of the member's row: one role, or several between
    /// commas; `None` = no member at all.
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
    /// As in Better Auth, the creator's role `owner` alone may do anything.
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
