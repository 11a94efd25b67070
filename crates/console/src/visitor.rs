//! The person who looks at a page.

use keymint_actix::ApiError;
use keymint_actix::pages::PageRequest;
use keymint_domain::identity::User;
use keymint_service::{Caller, SignedIn};

/// A person who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// The user.
    pub(crate) user: User,
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
        let user = signed_in.user.clone();
        let caller = request.caller(signed_in).await?;
        Ok(Self { user, is_operator: matches!(caller, Caller::Operator(_)), caller })
    }

    /// Returns the text by which the access log names the visitor.
    pub(crate) fn actor(&self) -> String {
        format!("user:{}", self.user.id.as_str())
    }
}
