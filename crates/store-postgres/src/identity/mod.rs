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
use crate::lent::end;
use crate::row::is_storable;

#[async_trait]
impl IdentityStore for PgStore {
    async fn insert_user(&self, new: &NewUser, session: &Session) -> Result<(), StoreError> {
        call!(self.pool, insert_user, self.layout, new, session)
    }

    async fn find_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        call!(self.pool, user::find, self.layout.owner_columns, id)
    }

    async fn find_credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        call!(self.pool, user::find_credential, self.layout.owner_columns, email)
    }

    async fn insert_session(&self, session: &Session) -> Result<bool, StoreError> {
        match call!(self.pool, session::insert, self.layout, session) {
            Err(StoreError::Dangling) => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    async fn find_session(&self, token: &SessionToken) -> Result<Option<(Session, User)>, StoreError> {
        if !is_storable(token.expose()) {
            return Ok(None);
        }
        call!(self.pool, session::find, self.layout, token)
    }

    async fn refresh_session(
        &self,
        token: &SessionToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if !is_storable(token.expose()) {
            return Ok(false);
        }
        call!(self.pool, session::refresh, token, expires_at, now)
    }

    async fn remove_session(&self, token: &SessionToken) -> Result<bool, StoreError> {
        if !is_storable(token.expose()) {
            return Ok(false);
        }
        call!(self.pool, session::remove, token)
    }

    async fn keep_secret(&self, offered: &str) -> Result<String, StoreError> {
        call!(self.pool, secret::keep, offered)
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
