use async_trait::async_trait;
use keymint_domain::organization::{Member, Organization};
use keymint_domain::{OrganizationId, UserId};
use keymint_ports::{OrganizationStore, StoreError};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query};

use crate::PgStore;
use crate::error::store_error;
use crate::instant::Instant;
use crate::key_store::BEGIN;
use crate::lent::end;
use crate::row::{Reader, is_storable};

#[async_trait]
impl OrganizationStore for PgStore {
    async fn insert_organization(&self, organization: &Organization, creator: &Member) -> Result<(), StoreError> {
        call!(self.pool, insert_organization, organization, creator)
    }

    async fn insert_member(&self, member: &Member) -> Result<(), StoreError> {
        call!(self.pool, insert_member, member)
    }

    async fn find_organization(&self, id_or_slug: &str) -> Result<Option<OrganizationId>, StoreError> {
        if !is_storable(id_or_slug) {
            return Ok(None);
        }
        call!(self.pool, find_organization, id_or_slug)
    }

    async fn find_roles(&self, organization: &OrganizationId, user: &UserId) -> Result<Option<String>, StoreError> {
        call!(self.pool, find_roles, organization, user)
    }
}

async fn find_organization(
    connection: &mut PgConnection,
    id_or_slug: &str,
) -> Result<Option<OrganizationId>, StoreError> {
    const FIND: &str = r#"select "id" from "organization" where "id" = $1 or "slug" = $1
        order by "id" = $1 desc limit 1"#;
    let row = query(FIND).bind(id_or_slug).fetch_optional(connection).await.map_err(store_error)?;
    row.map(|row| Reader::new(&row, "organization", "id").parsed("id", OrganizationId::parse)).transpose()
}

async fn find_roles(
    connection: &mut PgConnection,
    organization: &OrganizationId,
    user: &UserId,
) -> Result<Option<String>, StoreError> {
    const FIND: &str = r#"select "id", "role" from "member" where "organizationId" = $1 and "userId" = $2
        order by "createdAt", "id" collate "C" limit 1"#;
    let find = query(FIND).bind(organization.as_str()).bind(user.as_str()).fetch_optional(connection);
    let Some(row) = find.await.map_err(store_error)? else {
        return Ok(None);
    };
    let row = Reader::new(&row, "member", "id");
    Ok(Some(row.required("role", row.text("role")?)?.to_owned()))
}

async fn insert_organization(
    connection: &mut PgConnection,
    organization: &Organization,
    creator: &Member,
) -> Result<(), StoreError> {
    const INSERT: &str = r#"insert into "organization" ("id", "name", "slug", "createdAt") values ($1, $2, $3, $4)"#;
    let Organization { id, name, slug, created_at } = organization;
    let insert = query(INSERT).bind(id.as_str()).bind(name).bind(slug.as_str()).bind(Instant(*created_at));
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let outcome = async {
        insert.execute(&mut *transaction).await.map_err(store_error)?;
        insert_unless_there(&mut transaction, creator).await
    };
    let outcome = outcome.await;
    end(transaction, outcome).await
}

async fn insert_member(connection: &mut PgConnection, member: &Member) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let outcome = async {
        lock(&mut transaction, &member.organization_id).await?;
        insert_unless_there(&mut transaction, member).await
    };
    let outcome = outcome.await;
    end(transaction, outcome).await
}

/// Keeps everybody else, Better Auth servers included, from adding members to the organization: each of their rows locks
/// the organization's, which it refers to, and no constraint keeps somebody from being a member twice.
async fn lock(connection: &mut PgConnection, organization: &OrganizationId) -> Result<(), StoreError> {
    const LOCK: &str = r#"select 1 from "organization" where "id" = $1 for update"#;
    let locked = query(LOCK).bind(organization.as_str()).fetch_optional(connection).await.map_err(store_error)?;
    locked.map(drop).ok_or(StoreError::Dangling)
}

async fn insert_unless_there(connection: &mut PgConnection, member: &Member) -> Result<(), StoreError> {
    const INSERT: &str = r#"insert into "member" ("id", "organizationId", "userId", "role", "createdAt")
        select $1, $2, $3, $4, $5
        where not exists (select 1 from "member" where "organizationId" = $2 and "userId" = $3)"#;
    let Member { id, organization_id, user_id, role, created_at } = member;
    let insert = query(INSERT)
        .bind(id.as_str())
        .bind(organization_id.as_str())
        .bind(user_id.as_str())
        .bind(role.as_str())
        .bind(Instant(*created_at));
    match insert.execute(connection).await.map_err(store_error)?.rows_affected() {
        0 => Err(StoreError::Duplicate),
        _ => Ok(()),
    }
}
