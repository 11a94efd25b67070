//! Organizations, which own keys together: who is a member, and what a member's roles allow.

mod entity;
mod roles;

pub use entity::{InvalidSlug, Member, Organization, Slug};
pub use roles::{Action, InvalidRole, Role, RoleName, Roles};
