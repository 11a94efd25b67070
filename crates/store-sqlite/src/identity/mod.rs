mod secret;
mod session;
mod user;

use async_trait::async_trait;
use keymint_domain::identity::{Email, NewUser, Session, SessionToken, User};
use keymint_domain::{Timestamp, UserId};
use keymint_ports::{Credential, IdentityStore, StoreError};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::error::store_error;
use crate::key_store::BEGIN;
use crate::layout::Layout;

#[async_trait]
impl IdentityStore for SqliteStore {
    async fn insert_user(&self, new: &NewUser, session: &Session) -> Result<(), StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(insert_user(&mut connection, self.layout, new, session)).await;
        connection.finish(outcome)
    }

    async fn find_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.bound(user::find(self.readers()?, self.layout.owner_columns, id)).await
    }

    async fn find_credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        self.bound(user::find_credential(self.readers()?, self.layout.owner_columns, email)).await
    }

    async fn insert_session(&self, session: &Session) -> Result<bool, StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = match self.bound(session::insert(&mut connection, self.layout, session)).await {
            Err(StoreError::Dangling) => Ok(false),
            outcome => outcome.map(|()| true),
        };
        connection.finish(outcome)
    }

    async fn find_session(&self, token: &SessionToken) -> Result<Option<(Session, User)>, StoreError> {
        self.bound(session::find(self.readers()?, self.layout, token)).await
    }

    async fn refresh_session(
        &self,
        token: &SessionToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(session::refresh(&mut connection, token, expires_at, now)).await;
        connection.finish(outcome)
    }

    async fn remove_session(&self, token: &SessionToken) -> Result<bool, StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(session::remove(&mut connection, token)).await;
        connection.finish(outcome)
    }

    async fn keep_secret(&self, offered: &str) -> Result<String, StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(secret::keep(&mut connection, offered)).await;
        connection.finish(outcome)
    }
}

async fn insert_user(
    connection: &mut SqliteConnection,
    layout: Layout,
    new: &NewUser,
    session: &Session,
) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    user::insert(&mut transaction, layout, new).await?;
    session::insert(&mut transaction, layout, session).await?;
    transaction.commit().await.map_err(store_error)
}
