use actix_web::http::StatusCode;
use keymint_domain::ErrorCode;

/// Returns the HTTP status of a request that fails with `code` (docs/better-auth-wire.md 2.6, 3, 5). A refused
/// verification is answered with 200 and the code in the body (docs/better-auth-wire.md 7.6).
pub(crate) fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidMetadataType
        | ErrorCode::RefillAmountAndIntervalRequired
        | ErrorCode::RefillIntervalAndAmountRequired
        | ErrorCode::KeyNotRecoverable
        | ErrorCode::ExpiresInIsTooSmall
        | ErrorCode::ExpiresInIsTooLarge
        | ErrorCode::InvalidRemaining
        | ErrorCode::InvalidPrefixLength
        | ErrorCode::InvalidNameLength
        | ErrorCode::MetadataDisabled
        | ErrorCode::NoValuesToUpdate
        | ErrorCode::KeyDisabledExpiration
        | ErrorCode::InvalidApiKeyGetterReturnType
        | ErrorCode::ServerOnlyProperty
        | ErrorCode::NameRequired
        | ErrorCode::OrganizationIdRequired
        | ErrorCode::NoDefaultApiKeyConfigurationFound
        | ErrorCode::EmailPasswordSignUpDisabled
        | ErrorCode::EmailPasswordDisabled
        | ErrorCode::InvalidEmail
        | ErrorCode::InvalidPassword
        | ErrorCode::CredentialAccountNotFound
        | ErrorCode::EmailCanNotBeUpdated
        | ErrorCode::NoFieldsToUpdate
        | ErrorCode::PasswordTooShort
        | ErrorCode::PasswordTooLong
        | ErrorCode::UserIdRequired
        | ErrorCode::InvalidCursor
        | ErrorCode::AddRemainingNotAllowed
        | ErrorCode::RefillTwice => StatusCode::BAD_REQUEST,
        ErrorCode::UserBanned
        | ErrorCode::UnauthorizedSession
        | ErrorCode::KeyDisabled
        | ErrorCode::KeyExpired
        | ErrorCode::InvalidApiKey
        | ErrorCode::Malformed
        | ErrorCode::InvalidUserIdFromApiKey
        | ErrorCode::InvalidReferenceIdFromApiKey
        | ErrorCode::Unauthorized
        | ErrorCode::InvalidEmailOrPassword
        | ErrorCode::FailedToGetSession => StatusCode::UNAUTHORIZED,
        ErrorCode::UserNotMemberOfOrganization
        | ErrorCode::InsufficientApiKeyPermissions
        | ErrorCode::BannedUser
        | ErrorCode::MissingOrNullOrigin
        | ErrorCode::InvalidOrigin
        | ErrorCode::InvalidCallbackUrl
        | ErrorCode::InvalidRedirectUrl
        | ErrorCode::InvalidErrorCallbackUrl
        | ErrorCode::InvalidNewUserCallbackUrl
        | ErrorCode::CrossSiteNavigationLoginBlocked
        | ErrorCode::KeyManagementNotAllowed
        | ErrorCode::PortalNotAllowed
        | ErrorCode::SessionNotFresh
        | ErrorCode::KeyRevoked
        | ErrorCode::MaxKeysReached
        | ErrorCode::InsufficientPermissions
        | ErrorCode::IpNotAllowed
        | ErrorCode::WrongConfiguration => StatusCode::FORBIDDEN,
        ErrorCode::KeyNotFound | ErrorCode::LinkNotValid => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::KeyReferenced
        | ErrorCode::KeyExists
        | ErrorCode::NotOnYourself
        | ErrorCode::RotationOpen
        | ErrorCode::RotationNotOpen
        | ErrorCode::KeyUnused
        | ErrorCode::RotationConfirmed => StatusCode::CONFLICT,
        ErrorCode::UserAlreadyExists => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::UsageExceeded | ErrorCode::RateLimited | ErrorCode::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::FailedToUpdateApiKey | ErrorCode::OrganizationPluginRequired => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_keeps_its_status() {
        let statuses = ErrorCode::ALL.iter().map(|code| (status_of(*code).as_u16(), code.as_str())).collect::<Vec<_>>();
        let expected = [
            (400, "INVALID_METADATA_TYPE"),
            (400, "REFILL_AMOUNT_AND_INTERVAL_REQUIRED"),
            (400, "REFILL_INTERVAL_AND_AMOUNT_REQUIRED"),
            (401, "USER_BANNED"),
            (401, "UNAUTHORIZED_SESSION"),
            (404, "KEY_NOT_FOUND"),
            (401, "KEY_DISABLED"),
            (401, "KEY_EXPIRED"),
            (429, "USAGE_EXCEEDED"),
            (400, "KEY_NOT_RECOVERABLE"),
            (400, "EXPIRES_IN_IS_TOO_SMALL"),
            (400, "EXPIRES_IN_IS_TOO_LARGE"),
            (400, "INVALID_REMAINING"),
            (400, "INVALID_PREFIX_LENGTH"),
            (400, "INVALID_NAME_LENGTH"),
            (400, "METADATA_DISABLED"),
            (429, "RATE_LIMITED"),
            (400, "NO_VALUES_TO_UPDATE"),
            (400, "KEY_DISABLED_EXPIRATION"),
            (401, "INVALID_API_KEY"),
            (401, "INVALID_USER_ID_FROM_API_KEY"),
            (401, "INVALID_REFERENCE_ID_FROM_API_KEY"),
            (400, "INVALID_API_KEY_GETTER_RETURN_TYPE"),
            (400, "SERVER_ONLY_PROPERTY"),
            (500, "FAILED_TO_UPDATE_API_KEY"),
            (400, "NAME_REQUIRED"),
            (400, "ORGANIZATION_ID_REQUIRED"),
            (403, "USER_NOT_MEMBER_OF_ORGANIZATION"),
            (403, "INSUFFICIENT_API_KEY_PERMISSIONS"),
            (400, "NO_DEFAULT_API_KEY_CONFIGURATION_FOUND"),
            (500, "ORGANIZATION_PLUGIN_REQUIRED"),
            (401, "UNAUTHORIZED"),
            (400, "EMAIL_PASSWORD_SIGN_UP_DISABLED"),
            (400, "EMAIL_PASSWORD_DISABLED"),
            (400, "INVALID_EMAIL"),
            (400, "PASSWORD_TOO_SHORT"),
            (400, "PASSWORD_TOO_LONG"),
            (422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"),
            (401, "INVALID_EMAIL_OR_PASSWORD"),
            (403, "BANNED_USER"),
            (401, "FAILED_TO_GET_SESSION"),
            (405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED"),
            (400, "INVALID_PASSWORD"),
            (400, "CREDENTIAL_ACCOUNT_NOT_FOUND"),
            (400, "EMAIL_CAN_NOT_BE_UPDATED"),
            (400, "NO_FIELDS_TO_UPDATE"),
            (403, "SESSION_NOT_FRESH"),
            (403, "MISSING_OR_NULL_ORIGIN"),
            (403, "INVALID_ORIGIN"),
            (403, "INVALID_CALLBACK_URL"),
            (403, "INVALID_REDIRECT_URL"),
            (403, "INVALID_ERROR_CALLBACK_URL"),
            (403, "INVALID_NEW_USER_CALLBACK_URL"),
            (403, "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED"),
            (429, "TOO_MANY_REQUESTS"),
            (400, "USER_ID_REQUIRED"),
            (403, "KEY_MANAGEMENT_NOT_ALLOWED"),
            (404, "LINK_NOT_VALID"),
            (403, "PORTAL_NOT_ALLOWED"),
            (409, "NOT_ON_YOURSELF"),
            (403, "KEY_REVOKED"),
            (409, "KEY_EXISTS"),
            (409, "KEY_REFERENCED"),
            (400, "INVALID_CURSOR"),
            (403, "MAX_KEYS_REACHED"),
            (403, "INSUFFICIENT_PERMISSIONS"),
            (403, "IP_NOT_ALLOWED"),
            (403, "WRONG_CONFIGURATION"),
            (400, "ADD_REMAINING_NOT_ALLOWED"),
            (400, "REFILL_INTERVAL_AND_CALENDAR"),
            (409, "ROTATION_OPEN"),
            (409, "ROTATION_NOT_OPEN"),
            (409, "KEY_UNUSED"),
            (409, "ROTATION_CONFIRMED"),
            (401, "MALFORMED"),
        ];
        assert_eq!(statuses, expected);
    }
}
