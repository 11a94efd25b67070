use super::user::{check_image, check_name};
use crate::value::InvalidText;

/// The change that a user makes to their own row. Members that are absent stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EditUser {
    /// A new display name.
    pub name: Option<String>,
    /// The URL of a picture; `Some(None)` = no picture.
    pub image: Option<Option<String>>,
}

impl EditUser {
    /// Returns true if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.name.is_none() && self.image.is_none()
    }

    /// Checks the texts as those of a new user are checked.
    ///
    /// # Errors
    ///
    /// Returns the name of the first member that fails, with the reason.
    pub fn check_texts(&self) -> Result<(), (&'static str, InvalidText)> {
        self.name.as_deref().map_or(Ok(()), check_name)?;
        self.image.as_ref().and_then(Option::as_deref).map_or(Ok(()), check_image)
    }
}
