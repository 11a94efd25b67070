use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The kind of an event. Its text is the member `type` of the event as a `CloudEvents` message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    /// A key was created.
    KeyCreated = "keymint.key.created",
    /// Members of a key were changed.
    KeyUpdated = "keymint.key.updated",
    /// A key was enabled.
    KeyEnabled = "keymint.key.enabled",
    /// A key was disabled.
    KeyDisabled = "keymint.key.disabled",
    /// A key was revoked.
    KeyRevoked = "keymint.key.revoked",
    /// A revocation or a deletion was taken back.
    KeyRestored = "keymint.key.restored",
    /// A key got a second secret, which waits for its first use.
    KeyRotated = "keymint.key.rotated",
    /// The new secret of a key was used for the first time.
    KeyRotationConfirmed = "keymint.key.rotation_confirmed",
    /// A rotation ended: one secret is left.
    KeyRotationEnded = "keymint.key.rotation_ended",
    /// A caller deleted a key.
    KeyDeleted = "keymint.key.deleted",
    /// Clean-up removed a dead key.
    KeyRemoved = "keymint.key.removed",
    /// Somebody reported that a key leaked.
    KeyLeaked = "keymint.key.leaked",
    /// A key was imported.
    KeyImported = "keymint.key.imported",
    /// A key expires soon.
    KeyExpiring = "keymint.key.expiring",
    /// A key has expired.
    KeyExpired = "keymint.key.expired",
    /// A key has used up its quota.
    KeyExhausted = "keymint.key.exhausted",
    /// A key has used a share of the quota of its period.
    KeyQuotaThreshold = "keymint.key.quota_threshold",
    /// A key has not been used for long.
    KeyIdle = "keymint.key.idle",
    /// A key should be rotated by its configuration's policy.
    KeyRotationDue = "keymint.key.rotation_due",
    /// The use of a key is unlike its use before.
    KeyAnomaly = "keymint.key.anomaly",
    /// A server key was created.
    ServerKeyCreated = "keymint.server_key.created",
    /// A server key was revoked.
    ServerKeyRevoked = "keymint.server_key.revoked",
    /// A user signed up.
    UserCreated = "keymint.user.created",
    /// A user signed in.
    UserSignedIn = "keymint.user.signed_in",
    /// A sign-in was refused.
    UserSignInRefused = "keymint.user.sign_in_refused",
    /// A user signed out.
    UserSignedOut = "keymint.user.signed_out",
    /// A user became an operator.
    UserOperatorAdded = "keymint.user.operator_added",
    /// A user is no longer kept as an operator.
    UserOperatorRemoved = "keymint.user.operator_removed",
    /// A user got another password.
    UserPasswordChanged = "keymint.user.password_changed",
    /// A user changed their name or picture.
    UserUpdated = "keymint.user.updated",
    /// Sessions of a user were ended.
    UserSessionsEnded = "keymint.user.sessions_ended",
    /// A user was banned.
    UserBanned = "keymint.user.banned",
    /// The ban of a user was taken back.
    UserUnbanned = "keymint.user.unbanned",
    /// A link was made by which a user chooses another password.
    UserResetLinkCreated = "keymint.user.reset_link_created",
    /// The personal details of a user were erased.
    UserErased = "keymint.user.erased",
    /// An organization was created.
    OrganizationCreated = "keymint.organization.created",
    /// A user became a member of an organization.
    OrganizationMemberAdded = "keymint.organization.member_added",
    /// A user is no longer a member of an organization.
    OrganizationMemberRemoved = "keymint.organization.member_removed",
    /// A backend made a link that opens a portal session.
    PortalLinkCreated = "keymint.portal.link_created",
    /// A guest opened a portal session.
    PortalSessionOpened = "keymint.portal.session_opened",
    /// A portal session was ended before its time.
    PortalSessionEnded = "keymint.portal.session_ended",
    /// A running server took over a changed configuration.
    ConfigReloaded = "keymint.config.reloaded",
    /// A webhook endpoint was created.
    WebhookCreated = "keymint.webhook.created",
    /// A webhook endpoint was changed: paused, resumed, or given another secret.
    WebhookUpdated = "keymint.webhook.updated",
    /// Keymint paused or disabled a webhook endpoint that does not accept events.
    WebhookStopped = "keymint.webhook.stopped",
    /// A webhook endpoint was deleted.
    WebhookDeleted = "keymint.webhook.deleted",
    /// Somebody read the audit log.
    AuditRead = "keymint.audit.read",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
