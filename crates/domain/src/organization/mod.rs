//! Organizations, which own keys jointly: their members, and the actions that a member's roles allow.

mod entity;
mod roles;

pub use entity::{InvalidSlug, Member, Membership, Organization, Slug};
pub use roles::{Action, InvalidRole, Role, RoleName, Roles};
