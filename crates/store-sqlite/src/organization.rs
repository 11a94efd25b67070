use async_trait::async_trait;
use futures_util::TryFutureExt as _;
use keymint_domain::organization::{Member, Organization};
use keymint_domain::{OrganizationId, UserId};
use keymint_ports::{OrganizationStore, StoreError};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, query};

use crate::SqliteStore;
use crate::error::store_error;
use crate::key_store::BEGIN;
use crate::row::Reader;

#[async_trait]
impl OrganizationStore for SqliteStore {
    async fn insert_organization(&self, organization: &Organization, creator: &Member) -> Result<(), StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(insert_organization(&mut connection, organization, creator)).await;
        connection.finish(outcome)
    }

    async fn insert_member(&self, member: &Member) -> Result<(), StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(insert_member(&mut connection, member)).await;
        connection.finish(outcome)
    }

    async fn find_organization(&self, id_or_slug: &str) -> Result<Option<OrganizationId>, StoreError> {
        const FIND: &str = r#"select "id" from "organization" where "id" = ?1 or "slug" = ?1
            order by "id" = ?1 desc limit 1"#;
        let find = query(FIND).bind(id_or_slug).fetch_optional(self.readers()?).map_err(store_error);
        let row = self.bound(find).await?;
        row.map(|row| Reader::new(&row, "organization", "id").parsed("id", OrganizationId::parse)).transpose()
    }

    async fn find_roles(&self, organization: &OrganizationId, user: &UserId) -> Result<Option<String>, StoreError> {
        const FIND: &str = r#"select "id", "role" from "member" where "organizationId" = ?1 and "userId" = ?2
            order by "createdAt", "id" limit 1"#;
        let find = query(FIND).bind(organization.as_str()).bind(user.as_str()).fetch_optional(self.readers()?);
        let Some(row) = self.bound(find.map_err(store_error)).await? else {
            return Ok(None);
        };
        let row = Reader::new(&row, "member", "id");
        Ok(Some(row.required("role", row.text("role")?)?.to_owned()))
    }
}

async fn insert_organization(
    connection: &mut SqliteConnection,
    organization: &Organization,
    creator: &Member,
) -> Result<(), StoreError> {
    const INSERT: &str = r#"insert into "organization" ("id", "name", "slug", "createdAt") values (?1, ?2, ?3, ?4)"#;
    let Organization { id, name, slug, created_at } = organization;
    let insert = query(INSERT).bind(id.as_str()).bind(name).bind(slug.as_str()).bind(created_at.to_string());
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    insert.execute(&mut *transaction).await.map_err(store_error)?;
    insert_member(&mut transaction, creator).await?;
    transaction.commit().await.map_err(store_error)
}

async fn insert_member(connection: &mut SqliteConnection, member: &Member) -> Result<(), StoreError> {
    // No constraint keeps somebody from being a member twice; one statement is atomic.
    const INSERT: &str = r#"insert into "member" ("id", "organizationId", "userId", "role", "createdAt")
        select ?1, ?2, ?3, ?4, ?5
        where not exists (select 1 from "member" where "organizationId" = ?2 and "userId" = ?3)"#;
    let Member { id, organization_id, user_id, role, created_at } = member;
    let insert = query(INSERT)
        .bind(id.as_str())
        .bind(organization_id.as_str())
        .bind(user_id.as_str())
        .bind(role.as_str())
        .bind(created_at.to_string());
    match insert.execute(connection).await.map_err(store_error)?.rows_affected() {
        0 => Err(StoreError::Duplicate),
        _ => Ok(()),
    }
}
