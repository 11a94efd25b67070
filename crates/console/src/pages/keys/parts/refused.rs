use keymint_domain::ErrorCode;
use keymint_domain::policy::Configuration;
use keymint_service::ServiceError;

use super::words;
use crate::form::Problems;
use crate::show::count;

/// Puts what a use case refuses beside its field. Returns false if no field is to blame.
pub(in crate::pages::keys) fn explain(
    refused: &ServiceError,
    configuration: &Configuration,
    problems: &mut Problems,
) -> bool {
    let lengths = configuration.name_length;
    let expiration = configuration.expiration;
    let (field, text) = match refused {
        ServiceError::Ungrantable(above) => ("permissions", format!("You may not give: {}.", words(above).join(", "))),
        ServiceError::Refused(code) => match code {
            ErrorCode::ServerOnlyProperty => {
                ("permissions", "Only an operator gives permissions to keys of this kind.".to_owned())
            }
            ErrorCode::NameRequired => ("name", "Enter a name. Keys of this kind must have one.".to_owned()),
            ErrorCode::InvalidNameLength => (
                "name",
                format!("Enter {} to {} characters. An emoji counts as two or more.", lengths.min, lengths.max),
            ),
            ErrorCode::ExpiresInIsTooSmall => ("expiry", format!("Choose {} days or more.", expiration.min_days)),
            ErrorCode::ExpiresInIsTooLarge => {
                let most = expiration
                    .max_lifetime_days
                    .map_or(expiration.max_days, |days| days.get().min(expiration.max_days));
                ("expiry", format!("Choose {most} days or fewer."))
            }
            ErrorCode::KeyDisabledExpiration => ("expiry", "The lifetime of these keys is fixed.".to_owned()),
            ErrorCode::MaxKeysReached => {
                let most = configuration.max_keys_per_user.map_or(0, |most| u64::from(most.get()));
                let text = format!(
                    "There are as many keys as one owner may have: {}. Revoke or delete one that nobody needs, and send \
                     the form again.",
                    count(most)
                );
                ("", text)
            }
            ErrorCode::RefillAmountAndIntervalRequired | ErrorCode::RefillIntervalAndAmountRequired => {
                ("refill", "Enter both: how many calls, and how often.".to_owned())
            }
            ErrorCode::AddRemainingNotAllowed => ("quota", "The key has no quota.".to_owned()),
            ErrorCode::UserIdRequired => ("owner", "Enter the owner of the key.".to_owned()),
            ErrorCode::OrganizationIdRequired => ("organization", "Enter the id of the organization.".to_owned()),
            ErrorCode::UserNotMemberOfOrganization | ErrorCode::OrganizationPluginRequired => {
                ("organization", "You are no member of it.".to_owned())
            }
            ErrorCode::InsufficientApiKeyPermissions => {
                ("organization", "Your role there does not allow it. Ask an owner of the organization.".to_owned())
            }
            ErrorCode::InvalidMetadataType => ("metadata", "Enter a JSON object.".to_owned()),
            _ => return false,
        },
        _ => return false,
    };
    problems.add(field, text);
    true
}
