//! Statements on organizations and their members.

use std::num::NonZeroU32;

use keymint_domain::event::Origin;
use keymint_domain::organization::{Member, Membership, Organization};
use keymint_domain::{OrganizationId, UserId};
use keymint_ports::{ListedOrganization, StoreError};

use crate::connection::{end, fetch_all, fetch_optional};
use crate::{ReadConnection, RowReader, Statement, WriteConnection, events};

/// Adds an organization with its first member.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Dangling`], [`StoreError::Unavailable`]
pub async fn insert_organization(
    connection: &mut dyn WriteConnection,
    organization: &Organization,
    creator: &Member,
    origin: &Origin,
) -> Result<(), StoreError> {
    connection.begin().await?;
    let outcome = insert_both(connection, organization, creator, origin).await;
    end(connection, outcome).await
}

async fn insert_both(
    connection: &mut dyn WriteConnection,
    organization: &Organization,
    creator: &Member,
    origin: &Origin,
) -> Result<(), StoreError> {
    const INSERT: &str = r#"insert into "organization" ("id", "name", "slug", "createdAt") values ($1, $2, $3, $4)"#;
    let Organization { id, name, slug, created_at } = organization;
    let insert = Statement::new(INSERT).bind(id.as_str()).bind(name.as_str()).bind(slug.as_str()).bind(*created_at);
    connection.execute(insert).await?;
    insert_unless_there(connection, creator).await?;
    events::insert(connection, origin.organization_created(organization, creator)).await?;
    Ok(())
}

/// Adds a member.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Dangling`], [`StoreError::Unavailable`]
pub async fn insert_member(
    connection: &mut dyn WriteConnection,
    member: &Member,
    origin: &Origin,
) -> Result<(), StoreError> {
    connection.begin().await?;
    let outcome = lock_and_insert(connection, member, origin).await;
    end(connection, outcome).await
}

async fn lock_and_insert(
    connection: &mut dyn WriteConnection,
    member: &Member,
    origin: &Origin,
) -> Result<(), StoreError> {
    lock(connection, &member.organization_id).await?;
    insert_unless_there(connection, member).await?;
    events::insert(connection, origin.member_added(member)).await?;
    Ok(())
}

/// Keeps everybody else, Better Auth servers included, from adding members to the organization: each of their rows
/// locks the organization's, which it refers to, and no constraint keeps somebody from being a member twice.
async fn lock(connection: &mut dyn WriteConnection, organization: &OrganizationId) -> Result<(), StoreError> {
    let for_update = connection.dialect().for_update();
    let lock = Statement::new(format!(r#"select "id" from "organization" where "id" = $1{for_update}"#));
    let locked = fetch_optional(connection, lock.bind(organization.as_str()), |_| Ok(())).await?;
    locked.ok_or(StoreError::Dangling)
}

async fn insert_unless_there(connection: &mut dyn WriteConnection, member: &Member) -> Result<(), StoreError> {
    const INSERT: &str = r#"insert into "member" ("id", "organizationId", "userId", "role", "createdAt")
        select $1, $2, $3, $4, $5
        where not exists (select 1 from "member" where "organizationId" = $2 and "userId" = $3)"#;
    let Member { id, organization_id, user_id, role, created_at } = member;
    let insert = Statement::new(INSERT)
        .bind(id.as_str())
        .bind(organization_id.as_str())
        .bind(user_id.as_str())
        .bind(role.as_str())
        .bind(*created_at);
    match connection.execute(insert).await? {
        0 => Err(StoreError::Duplicate),
        _ => Ok(()),
    }
}

/// Ends every membership of a user in an organization. Returns `false` if there was none.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn remove_member(
    connection: &mut dyn WriteConnection,
    organization: &OrganizationId,
    user: &UserId,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = delete_member(connection, organization, user, origin).await;
    end(connection, outcome).await
}

async fn delete_member(
    connection: &mut dyn WriteConnection,
    organization: &OrganizationId,
    user: &UserId,
    origin: &Origin,
) -> Result<bool, StoreError> {
    const DELETE: &str = r#"delete from "member" where "organizationId" = $1 and "userId" = $2"#;
    let delete = Statement::new(DELETE).bind(organization.as_str()).bind(user.as_str());
    let is_removed = connection.execute(delete).await? > 0;
    if is_removed {
        events::insert(connection, origin.member_removed(organization, user)).await?;
    }
    Ok(is_removed)
}

/// Lists organizations in the order of their ids.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn list_organizations(
    connection: &mut dyn ReadConnection,
    after: Option<&OrganizationId>,
    limit: NonZeroU32,
) -> Result<Vec<ListedOrganization>, StoreError> {
    let by_bytes = connection.dialect().by_bytes();
    let list = format!(
        r#"select o."id", o."name", o."slug",
            (select count(*) from "member" as m where m."organizationId" = o."id") as "members"
            from "organization" as o where o."id"{by_bytes} > $1 order by o."id"{by_bytes} limit $2"#,
    );
    let list = Statement::new(list).bind(after.map_or("", OrganizationId::as_str)).bind(i64::from(limit.get()));
    fetch_all(connection, list, |row| {
        let row = RowReader::new(row, "organization", "id");
        Ok(ListedOrganization {
            id: row.parsed("id", OrganizationId::parse)?,
            name: row.text("name")?.unwrap_or_default().to_owned(),
            slug: row.text("slug")?.map(str::to_owned),
            members: row.required("members", row.number("members")?)?,
        })
    })
    .await
}

/// Finds the organization of an id or a slug.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_organization(
    connection: &mut dyn ReadConnection,
    id_or_slug: &str,
) -> Result<Option<OrganizationId>, StoreError> {
    const FIND: &str = r#"select "id" from "organization" where "id" = $1 or "slug" = $1
        order by "id" = $1 desc limit 1"#;
    fetch_optional(connection, Statement::new(FIND).bind(id_or_slug), |row| {
        RowReader::new(row, "organization", "id").parsed("id", OrganizationId::parse)
    })
    .await
}

/// Finds the roles of a user in an organization, by their oldest membership.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_roles(
    connection: &mut dyn ReadConnection,
    organization: &OrganizationId,
    user: &UserId,
) -> Result<Option<String>, StoreError> {
    let find = Statement::new(format!(
        r#"select "id", "role" from "member" where "organizationId" = $1 and "userId" = $2
            order by "createdAt", "id"{} limit 1"#,
        connection.dialect().by_bytes(),
    ));
    fetch_optional(connection, find.bind(organization.as_str()).bind(user.as_str()), |row| {
        Ok(RowReader::new(row, "member", "id").required_text("role")?.to_owned())
    })
    .await
}

/// Lists the organizations of a user.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn list_memberships(
    connection: &mut dyn ReadConnection,
    user: &UserId,
    limit: NonZeroU32,
) -> Result<Vec<Membership>, StoreError> {
    let by_bytes = connection.dialect().by_bytes();
    let list = Statement::new(format!(
        r#"select o."id", o."name", m."role" from "member" as m join "organization" as o on o."id" = m."organizationId"
            where m."userId" = $1 order by o."id"{by_bytes}, m."createdAt", m."id"{by_bytes} limit $2"#
    ));
    let rows = fetch_all(connection, list.bind(user.as_str()).bind(i64::from(limit.get())), |row| {
        let row = RowReader::new(row, "organization", "id");
        let Ok(organization) = row.parsed("id", OrganizationId::parse) else { return Ok(None) };
        let (name, roles) = (row.text("name")?.unwrap_or_default(), row.text("role")?.unwrap_or_default());
        Ok(Some(Membership { organization, name: name.to_owned(), roles: roles.to_owned() }))
    });
    let mut found: Vec<_> = rows.await?.into_iter().flatten().collect();
    found.dedup_by(|later, first| later.organization == first.organization);
    found.sort_by(|one, other| (&one.name, &one.organization).cmp(&(&other.name, &other.organization)));
    Ok(found)
}
