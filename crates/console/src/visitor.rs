//! The person who looks at a page.

use std::sync::Arc;

use keymint_actix::ApiError;
use keymint_actix::pages::PageRequest;
use keymint_domain::portal::PortalSession;
use keymint_domain::{KeyId, OwnerId};
use keymint_service::{Caller, SignedIn};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::place::{Look, Place};

/// A person who is signed in, or the guest of a portal session.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// The owner of the visitor's keys.
    pub(crate) id: OwnerId,
    /// The user and their session; `None` = a guest of the portal.
    pub(crate) signed_in: Option<SignedIn>,
    /// The place at which they see pages.
    pub(crate) place: Place,
    /// The caller that the visitor is to the use cases.
    pub(crate) caller: Caller,
    /// True if the visitor acts on all keys, and not on their own alone.
    pub(crate) is_operator: bool,
}

impl Visitor {
    /// Decides what a user who is signed in is to the use cases. It is the one place that does.
    ///
    /// # Errors
    ///
    /// `USER_BANNED`; the store fails.
    pub(crate) async fn of(request: &PageRequest, signed_in: SignedIn) -> Result<Self, ApiError> {
        let caller = request.caller(signed_in.clone()).await?;
        let is_operator = matches!(caller, Caller::Operator(_));
        Ok(Self {
            id: (&signed_in.user.id).into(),
            signed_in: Some(signed_in),
            place: Place::Console,
            is_operator,
            caller,
        })
    }

    /// Returns the text by which the access log names the visitor.
    pub(crate) fn actor(&self) -> String {
        let kind = if self.is_guest() { "portal" } else { "user" };
        format!("{kind}:{}", self.id.as_str())
    }

    /// Returns the guest of a portal session.
    pub(crate) fn guest(look: &Arc<Look>, session: PortalSession) -> Self {
        let (id, caller) = (session.owner.clone(), Caller::from(&session));
        let place = Place::Portal(Arc::clone(look), Some(Arc::new(session)));
        Self { id, signed_in: None, place, caller, is_operator: false }
    }

    /// Returns true for the guest of a portal session.
    pub(crate) fn is_guest(&self) -> bool {
        self.signed_in.is_none()
    }

    /// Returns the path of the list of keys.
    pub(crate) fn keys(&self) -> String {
        self.place.keys()
    }

    /// Returns the path of a key's page.
    pub(crate) fn path(&self, id: &KeyId) -> String {
        format!("{}/{}", self.keys(), utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC))
    }
}
