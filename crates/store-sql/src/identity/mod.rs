//! Statements on users, their accounts and sessions, and the secret that signs cookies.

mod secret;
mod session;
mod user;

use keymint_domain::identity::{NewUser, Session};
use keymint_ports::StoreError;

pub use secret::keep_secret;
pub use session::{find_session, insert_session, refresh_session, remove_session};
pub use user::{find_credential, find_user};

use crate::connection::end;
use crate::{Layout, WriteConnection};

/// Adds a user with an account and a session.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn insert_user(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    new: &NewUser,
    session: &Session,
) -> Result<(), StoreError> {
    // Keys may be there before their owner is.
    connection.forget_all();
    connection.begin().await?;
    let outcome = match user::insert(connection, layout, new).await {
        Ok(()) => session::insert(connection, layout, session).await,
        refused => refused,
    };
    end(connection, outcome).await
}
