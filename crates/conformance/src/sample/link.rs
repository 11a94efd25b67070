use keymint_domain::OwnerId;
use keymint_domain::identity::PasswordHash;
use keymint_domain::link::{Link, LinkPurpose, NewLink};
use keymint_domain::portal::{PortalGrant, PortalRight, PortalRights, ReturnUrl};
use keymint_ports::NewPassword;

use super::{NOW, row_id, user_id};

/// Returns a link whose token is made of the byte `seed`.
pub fn link(seed: u8, purpose: LinkPurpose) -> NewLink {
    Link::begin(purpose, &mut |bytes: &mut [u8]| bytes.fill(seed), NOW)
}

/// Returns the purpose of a reset for a user.
///
/// # Panics
///
/// Panics on an empty text.
pub fn reset(user: &str) -> LinkPurpose {
    LinkPurpose::Reset(user_id(user))
}

/// Returns the purpose of a link that opens a portal session of an owner, for an hour and with one right.
///
/// # Panics
///
/// Panics on an empty text.
pub fn portal(owner: &str) -> LinkPurpose {
    LinkPurpose::Portal(PortalGrant {
        owner: OwnerId::parse(owner).unwrap(),
        may: PortalRights::new([PortalRight::Rotate]),
        return_url: ReturnUrl::parse("https://app.example.com/keys").ok(),
        lifetime_seconds: 3600,
    })
}

/// Returns a password that replaces another one.
pub fn new_password(text: &str) -> NewPassword {
    NewPassword { hash: PasswordHash::from_stored(text), account_id: row_id(&format!("the account for {text}")) }
}
