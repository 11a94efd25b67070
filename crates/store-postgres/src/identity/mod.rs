mod secret;
mod session;
mod user;

use async_trait::async_trait;
use keymint_domain::identity::{Email, NewUser, Session, SessionToken, User};
use keymint_domain::{Timestamp, UserId};
use keymint_ports::{Credential, IdentityStore, StoreError};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::PgStore;
use crate::error::store_error;
use crate::key_store::BEGIN;
use crate::layout::Layout;
use crate::lent::{Lent, end};
use crate::row::is_storable;

#[async_trait]
impl IdentityStore for PgStore {
    async fn insert_user(&self, new: &NewUser, session: &Session) -> Result<(), StoreError> {
        let mut connection = Lent::from(&self.pool).await?;
        let outcome = insert_user(&mut connection, self.layout, new, session).await;
        connection.finish(outcome)
    }

    async fn find_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        user::find(&self.pool, self.layout.owner_columns, id).await
    }

    async fn find_credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        user::find_credential(&self.pool, self.layout.owner_columns, email).await
    }

    async fn insert_session(&self, session: &Session) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(store_error)?;
        match session::insert(&mut connection, self.layout, session).await {
            Err(StoreError::Dangling) => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    async fn find_session(&self, token: &SessionToken) -> Result<Option<(Session, User)>, StoreError> {
        if !is_storable(token.expose()) {
            return Ok(None);
        }
        session::find(&self.pool, self.layout, token).await
    }

    async fn refresh_session(
        &self,
        token: &SessionToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(is_storable(token.expose()) && session::refresh(&self.pool, token, expires_at, now).await?)
    }

    async fn remove_session(&self, token: &SessionToken) -> Result<bool, StoreError> {
        Ok(is_storable(token.expose()) && session::remove(&self.pool, token).await?)
    }

    async fn keep_secret(&self, offered: &str) -> Result<String, StoreError> {
        secret::keep(&self.pool, offered).await
    }
}

async fn insert_user(
    connection: &mut PgConnection,
    layout: Layout,
    new: &NewUser,
    session: &Session,
) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let outcome = async {
        user::insert(&mut transaction, layout, new).await?;
        session::insert(&mut transaction, layout, session).await
    };
    let outcome = outcome.await;
    end(transaction, outcome).await
}
