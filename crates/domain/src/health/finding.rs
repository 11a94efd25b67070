macro_rules! findings {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $severity:ident, $advice:literal;)*) => {
        /// Something about a key that somebody should look at. The set is closed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Finding {
            $($(#[$doc])* $name,)*
        }

        impl Finding {
            /// Every finding, the most severe first.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the name by which it is filtered.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Returns the severity.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// Returns the advice to whoever is responsible for the key.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

findings! {
    /// The key was reported as public.
    Leaked = "leaked", Critical, "Revoke the key, and give its owner a new one. Look up its recent uses.";
    /// The secret that a rotation replaced is still used.
    FormerSecretInUse = "former_secret_in_use", High,
        "Find the client that was not updated before the former secret ends.";
    /// The owner's row is gone, although owners are required.
    OwnerGone = "owner_gone", High, "Revoke the key: nobody is responsible for it, and verifications refuse it.";
    /// The owner is banned.
    OwnerBanned = "owner_banned", Medium, "Revoke the key if the ban is for good. Verifications refuse it meanwhile.";
    /// The permissions contain a star.
    Wildcard = "wildcard", Medium, "Replace the star by the resources and actions that the client needs.";
    /// The key has neither a quota nor a rate limit.
    Unlimited = "unlimited", Medium, "Set a rate limit well above the key's busiest hour, or a quota.";
    /// The secret is older than the configuration's rotation policy allows.
    RotationDue = "rotation_due", Medium, "Give the owner a new secret, and end this one.";
    /// More calls were refused than accepted.
    RefusedMore = "refused_more", Medium,
        "Look at the codes of the refusals: a client may use a key that is dead, too small a limit, or the wrong address.";
    /// The key expires soon.
    Expiring = "expiring", Low, "Tell the owner, and prepare a new key if it is still needed.";
    /// The key has no expiry.
    NeverExpires = "never_expires", Low, "Set an expiry. A forgotten key then ends by itself.";
    /// The key was made long ago, and no use is known.
    NeverUsed = "never_used", Low, "Ask the owner if it is needed. Disable it before it is removed.";
    /// The last use was long ago.
    Idle = "idle", Low, "Ask the owner if it is needed. Disable it before it is removed.";
    /// No call with the key has been recorded for as long as calls are recorded.
    SafeToRemove = "safe_to_remove", Info, "Remove the key: nobody has presented it for as long as uses are recorded.";
}

/// The urgency of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// An opportunity to tidy up.
    Info,
    /// Something to plan.
    Low,
    /// Something to change.
    Medium,
    /// Something to change soon.
    High,
    /// Something to do now.
    Critical,
}

impl Severity {
    /// Every severity, the least urgent first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns the name of the severity.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
