use keymint_domain::OrganizationId;
use keymint_domain::policy::References;
use keymint_service::OwnOrganization;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::Failure;
use crate::ask::Ask;
use crate::visitor::Visitor;

/// The field in which a visitor names an organization: members choose one of their own.
pub(super) struct OrganizationField {
    /// The organizations to choose from; none = the id is typed, as operators do, and members of very many.
    pub(super) choices: Vec<OrganizationChoice>,
    /// The id that was sent.
    pub(super) id: String,
}

/// An organization to choose.
pub(super) struct OrganizationChoice {
    pub(super) id: String,
    /// The list of its keys.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) is_chosen: bool,
}

impl OrganizationField {
    /// Makes the field of a visitor, with the organizations in which they may do what the form is for.
    pub(super) async fn of(
        ask: &Ask,
        visitor: &Visitor,
        id: String,
        may: fn(&OwnOrganization) -> bool,
    ) -> Result<Self, Failure> {
        let own = ask.keys().own_organizations(&visitor.caller).await?;
        let choice = |own: OwnOrganization| {
            let own_id = own.id.to_string();
            let encoded = utf8_percent_encode(&own_id, NON_ALPHANUMERIC);
            let path = format!("{}?organization={encoded}", visitor.keys());
            OrganizationChoice { is_chosen: own_id == id, path, id: own_id, name: own.name }
        };
        let mut choices: Vec<_> = own.into_iter().filter(may).map(choice).collect();
        // Somebody came here by a link with another id, and should see that.
        if !id.is_empty() && !choices.iter().any(|choice| choice.is_chosen) {
            choices.clear();
        }
        Ok(Self { choices, id })
    }

    /// Returns the organization that the field names, if it is one to choose.
    pub(super) fn chosen(&self) -> Option<OrganizationId> {
        let only = || self.choices.first().filter(|_| self.choices.len() == 1);
        let choice = self.choices.iter().find(|choice| choice.is_chosen).or_else(only)?;
        OrganizationId::parse(choice.id.as_str()).ok()
    }

    /// Returns true if keys of some configuration belong to organizations, and the visitor is nobody's guest.
    pub(super) fn is_for(ask: &Ask, visitor: &Visitor) -> bool {
        let configurations = ask.keys().policy().configurations();
        !visitor.is_guest() && configurations.iter().any(|entry| entry.references == References::Organization)
    }
}
