//! The reasons for a refusal: the codes, messages and statuses of Better Auth's core and of its api-key plugin,
//! verbatim (docs/better-auth-wire.md 2.6, 3, 5), and the few that Keymint adds.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $message:literal;)*) => {
        /// The reason why a request or a key was refused. The set is closed; the wire prints [`ErrorCode::as_str`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* #[doc = concat!("`", $code, "`: ", $message)] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of docs/better-auth-wire.md.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the code as it is on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Returns the message that Better Auth sends with this code.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }
        }
    };
}

codes! {
    InvalidMetadataType = "INVALID_METADATA_TYPE", "metadata must be an object or undefined";
    /// The amount came without its interval. Better Auth's message has the two the wrong way round.
    RefillAmountAndIntervalRequired = "REFILL_AMOUNT_AND_INTERVAL_REQUIRED", "refillAmount is required when refillInterval is provided";
    /// The interval came without its amount. Better Auth's message has the two the wrong way round.
    RefillIntervalAndAmountRequired = "REFILL_INTERVAL_AND_AMOUNT_REQUIRED", "refillInterval is required when refillAmount is provided";
    UserBanned = "USER_BANNED", "User is banned";
    UnauthorizedSession = "UNAUTHORIZED_SESSION", "Unauthorized or invalid session";
    KeyNotFound = "KEY_NOT_FOUND", "API Key not found";
    KeyDisabled = "KEY_DISABLED", "API Key is disabled";
    KeyExpired = "KEY_EXPIRED", "API Key has expired";
    UsageExceeded = "USAGE_EXCEEDED", "API Key has reached its usage limit";
    /// Better Auth never sends it.
    KeyNotRecoverable = "KEY_NOT_RECOVERABLE", "API Key is not recoverable";
    ExpiresInIsTooSmall = "EXPIRES_IN_IS_TOO_SMALL", "The expiresIn is smaller than the predefined minimum value.";
    ExpiresInIsTooLarge = "EXPIRES_IN_IS_TOO_LARGE", "The expiresIn is larger than the predefined maximum value.";
    /// Better Auth never sends it.
    InvalidRemaining = "INVALID_REMAINING", "The remaining count is either too large or too small.";
    InvalidPrefixLength = "INVALID_PREFIX_LENGTH", "The prefix length is either too large or too small.";
    InvalidNameLength = "INVALID_NAME_LENGTH", "The name length is either too large or too small.";
    MetadataDisabled = "METADATA_DISABLED", "Metadata is disabled.";
    /// Better Auth's table names it `RATE_LIMIT_EXCEEDED`, but its verification sends this code.
    RateLimited = "RATE_LIMITED", "Rate limit exceeded.";
    NoValuesToUpdate = "NO_VALUES_TO_UPDATE", "No values to update.";
    KeyDisabledExpiration = "KEY_DISABLED_EXPIRATION", "Custom key expiration values are disabled.";
    InvalidApiKey = "INVALID_API_KEY", "Invalid API key.";
    /// Better Auth has not sent it since 1.5.
    InvalidUserIdFromApiKey = "INVALID_USER_ID_FROM_API_KEY", "The user id from the API key is invalid.";
    InvalidReferenceIdFromApiKey = "INVALID_REFERENCE_ID_FROM_API_KEY", "The reference id from the API key is invalid.";
    InvalidApiKeyGetterReturnType = "INVALID_API_KEY_GETTER_RETURN_TYPE", "API Key getter returned an invalid key type. Expected string.";
    ServerOnlyProperty = "SERVER_ONLY_PROPERTY", "The property you're trying to set can only be set from the server auth instance only.";
    FailedToUpdateApiKey = "FAILED_TO_UPDATE_API_KEY", "Failed to update API key";
    NameRequired = "NAME_REQUIRED", "API Key name is required.";
    OrganizationIdRequired = "ORGANIZATION_ID_REQUIRED", "Organization ID is required for organization-owned API keys.";
    UserNotMemberOfOrganization = "USER_NOT_MEMBER_OF_ORGANIZATION", "You are not a member of the organization that owns this API key.";
    InsufficientApiKeyPermissions = "INSUFFICIENT_API_KEY_PERMISSIONS", "You do not have permission to perform this action on organization API keys.";
    NoDefaultApiKeyConfigurationFound = "NO_DEFAULT_API_KEY_CONFIGURATION_FOUND", "No default api-key configuration found.";
    OrganizationPluginRequired = "ORGANIZATION_PLUGIN_REQUIRED", "Organization plugin is required for organization-owned API keys. Please install and configure the organization plugin.";
    /// Better Auth's core sends it if an endpoint needs a session and the request has none (docs/better-auth-wire.md
    /// 5.5).
    Unauthorized = "UNAUTHORIZED", "Unauthorized";
    EmailPasswordSignUpDisabled = "EMAIL_PASSWORD_SIGN_UP_DISABLED", "Email and password sign up is not enabled";
    EmailPasswordDisabled = "EMAIL_PASSWORD_DISABLED", "Email and password is not enabled";
    InvalidEmail = "INVALID_EMAIL", "Invalid email";
    PasswordTooShort = "PASSWORD_TOO_SHORT", "Password too short";
    PasswordTooLong = "PASSWORD_TOO_LONG", "Password too long";
    UserAlreadyExists = "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "User already exists. Use another email.";
    InvalidEmailOrPassword = "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password";
    /// The admin plugin sends it if a banned user signs in.
    BannedUser = "BANNED_USER", "You have been banned from this application. Please contact support if you believe this is an error.";
    FailedToGetSession = "FAILED_TO_GET_SESSION", "Failed to get session";
    MethodNotAllowed = "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED", "POST method requires deferSessionRefresh to be enabled in session config";
    InvalidPassword = "INVALID_PASSWORD", "Invalid password";
    CredentialAccountNotFound = "CREDENTIAL_ACCOUNT_NOT_FOUND", "Credential account not found";
    EmailCanNotBeUpdated = "EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated";
    NoFieldsToUpdate = "NO_FIELDS_TO_UPDATE", "No fields to update";
    SessionNotFresh = "SESSION_NOT_FRESH", "Session is not fresh";
    MissingOrNullOrigin = "MISSING_OR_NULL_ORIGIN", "Missing or null Origin";
    InvalidOrigin = "INVALID_ORIGIN", "Invalid origin";
    InvalidCallbackUrl = "INVALID_CALLBACK_URL", "Invalid callbackURL";
    InvalidRedirectUrl = "INVALID_REDIRECT_URL", "Invalid redirectURL";
    InvalidErrorCallbackUrl = "INVALID_ERROR_CALLBACK_URL", "Invalid errorCallbackURL";
    InvalidNewUserCallbackUrl = "INVALID_NEW_USER_CALLBACK_URL", "Invalid newUserCallbackURL";
    CrossSiteNavigationLoginBlocked = "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED", "Cross-site navigation login blocked. This request appears to be a CSRF attack.";
    /// Better Auth's limiter sends the message without a code.
    TooManyRequests = "TOO_MANY_REQUESTS", "Too many requests. Please try again later.";
    /// Keymint's own: a server's request names neither the user nor the organization that the key is for.
    UserIdRequired = "USER_ID_REQUIRED", "userId is required where a server creates a user's key.";
    /// Keymint's own: a session that was opened by a key may not manage keys unless its configuration allows it.
    KeyManagementNotAllowed = "KEY_MANAGEMENT_NOT_ALLOWED", "The session of an API key may not create, change or remove API keys.";
    /// Keymint's own: the link was used, has expired, or never was one.
    LinkNotValid = "LINK_NOT_VALID", "The link was used already, or has expired. Ask for another one.";
    /// Keymint's own: the backend that opened the portal session did not allow it.
    PortalNotAllowed = "PORTAL_NOT_ALLOWED", "The portal session may not do this.";
    /// Keymint's own: nobody might be left to take it back.
    NotOnYourself = "NOT_ON_YOURSELF", "An operator may not do this to their own account.";
    /// Keymint's own: only a server may enable a revoked key again.
    KeyRevoked = "KEY_REVOKED", "API Key has been revoked";
    /// Keymint's own: a row of another table refers to the key that is to be deleted.
    KeyExists = "KEY_EXISTS", "Another API key has the id or the secret by now.";
    KeyReferenced = "KEY_REFERENCED", "Another table of the database refers to the API key. Remove what refers to it, or revoke the key.";
    /// It is forged, or belongs to a list with other filters.
    InvalidCursor = "INVALID_CURSOR", "The cursor does not belong to this list. Ask for the first page.";
    /// Keymint's own: `max_keys_per_user` is reached.
    MaxKeysReached = "MAX_KEYS_REACHED", "The owner has reached the maximum number of API keys.";
    /// Keymint's own: Better Auth's verification sends `KEY_NOT_FOUND` for it.
    InsufficientPermissions = "INSUFFICIENT_PERMISSIONS", "The API key lacks a permission that is asked for.";
    /// Keymint's own: the client's address is unknown, or is not one that the key may be used from.
    IpNotAllowed = "IP_NOT_ALLOWED", "The API key may not be used from this address.";
    /// Keymint's own: Better Auth's verification sends `INVALID_API_KEY` for it.
    WrongConfiguration = "WRONG_CONFIGURATION", "The API key is of another configuration than the one that is asked for.";
    /// Keymint's own: calls are added to a key without a quota, or beside a new `remaining`.
    AddRemainingNotAllowed = "ADD_REMAINING_NOT_ALLOWED", "addRemaining needs a key with a quota, and a request without remaining.";
    /// Keymint's own: a refill has an interval and a calendar.
    RefillTwice = "REFILL_INTERVAL_AND_CALENDAR", "A refill has either refillInterval or refill, not both.";
    /// Keymint's own: a rotation would end a secret that the request does not mention.
    RotationOpen = "ROTATION_OPEN", "A rotation of the API key is under way. Finish or cancel it first.";
    /// Keymint's own: there is nothing to cancel or to finish.
    RotationNotOpen = "ROTATION_NOT_OPEN", "No rotation of the API key is under way.";
    /// Keymint's own: the row of an imported key holds no stored form of its secret before its first use.
    KeyUnused = "KEY_UNUSED", "The API key was imported by its hash. Use it once before it is rotated, or rotate it with now.";
    /// Keymint's own: a rotation whose new secret is in use cannot be cancelled.
    RotationConfirmed = "ROTATION_CONFIRMED", "The new secret of the API key is in use. Finish the rotation instead.";
    /// Keymint's own, for metrics: a verification sends `INVALID_API_KEY` for it.
    Malformed = "MALFORMED", "The checksum of the API key is wrong.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::ErrorCode;

    #[test]
    fn no_two_codes_look_alike_and_each_says_something() {
        let names: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        assert!(ErrorCode::ALL.iter().all(|code| !code.message().is_empty()));
    }
}
