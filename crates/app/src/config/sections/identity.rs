use keymint_domain::identity::SessionLifetime;
use keymint_service::{IdentityOptions, ThrottleOptions};

use super::throttle;
use crate::config::section::Section;
use crate::units::Unit;

/// Users with e-mail and password, and their sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// True if users may sign in with e-mail and password.
    pub email_and_password: bool,
    /// True if anyone may make an account.
    pub sign_up: bool,
    /// The lifetime of sessions.
    pub lifetime: SessionLifetime,
    /// The limit of sign-ins and sign-ups from one address; `None` = no limit.
    pub throttle: Option<ThrottleOptions>,
}

/// The longest lifetime of a session: browsers keep no cookie longer than 400 days.
const MAX_SESSION_SECONDS: u64 = 400 * 86_400;

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Identity {
    let default = IdentityOptions::default();
    let email_and_password = section.boolean("email_and_password", default.email_and_password);
    let sign_up = section.boolean("sign_up", default.sign_up);
    let seconds = section.duration(
        "session_expires_in",
        default.lifetime.expires_in_ms / 1000,
        Unit::Seconds,
        60..=MAX_SESSION_SECONDS,
    );
    let throttle = section.section("throttle", throttle::read);
    let lifetime = SessionLifetime { expires_in_ms: seconds * 1000 };
    Identity { email_and_password, sign_up, lifetime, throttle }
}
