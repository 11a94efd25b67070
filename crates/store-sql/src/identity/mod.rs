//! Statements on users, their accounts and sessions, operators, links that are used once, portal sessions, and the secret
//! that signs cookies.

mod account;
mod erase;
mod link;
mod operator;
mod secret;
mod session;
mod user;

use keymint_domain::event::Origin;
use keymint_domain::identity::{NewUser, Session};
use keymint_ports::StoreError;

pub use account::{
    find_password, insert_user_alone, list_sessions, list_users, remove_sessions, set_ban, set_password, update_user,
};
pub use erase::erase_user;
pub use link::{
    claim, find_link, find_portal_session, insert_link, open_portal_session, purge_links, remove_portal_session,
    reset_password,
};
pub use operator::{has_users, is_operator, make_operator, remove_operator};
pub use secret::keep_secret;
pub use session::{find_session, insert_session, refresh_session, remove_session};
pub use user::{find_credential, find_user};

use crate::connection::end;
use crate::{Layout, WriteConnection, events};

/// Adds a user with an account and a session.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn insert_user(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    new: &NewUser,
    session: &Session,
    origin: &Origin,
) -> Result<(), StoreError> {
    // Keys may be there before their owner is.
    connection.forget_all();
    connection.begin().await?;
    let outcome = insert_all(connection, layout, new, session, origin).await;
    end(connection, outcome).await
}

async fn insert_all(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    new: &NewUser,
    session: &Session,
    origin: &Origin,
) -> Result<(), StoreError> {
    user::insert(connection, layout, new).await?;
    session::insert(connection, layout, session).await?;
    events::insert(connection, origin.user_created(&new.user)).await?;
    Ok(())
}
