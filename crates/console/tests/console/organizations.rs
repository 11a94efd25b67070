//! Keys of organizations: what members, guests and others are offered.

use std::sync::Arc;

use keymint_domain::key::NewKey;
use keymint_domain::organization::{Action, Role, RoleName, Slug};
use keymint_domain::policy::References;
use keymint_domain::portal::PortalRight;
use keymint_domain::value::KeyName;
use keymint_domain::{ConfigId, Configuration, KeyId, OrganizationId, Permissions, Policy};
use keymint_service::{Caller, CreateKey, ListKeys, Organizations};
use reqwest::StatusCode;

use crate::support::{Setup, Site};

fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

/// A policy with keys of users and of organizations, and roles that may read, and read and write.
fn policy() -> Policy {
    let mut team = Configuration::new(ConfigId::parse("team").unwrap());
    team.references = References::Organization;
    team.grantable = Some(Permissions::of(&[("files", &["read", "write"])]));
    team.grantable_by_role = vec![(role("writer"), Permissions::of(&[("files", &["read"])]))];
    let mut policy = Policy::new(vec![Configuration::default(), team]).unwrap();
    let allowing = |name: &str, actions: &[Action]| Role { name: role(name), actions: actions.to_vec() };
    policy.roles.others =
        vec![allowing("reader", &[Action::Read]), allowing("writer", &[Action::Create, Action::Read, Action::Update])];
    policy
}

/// A site with ada signed in, and its organizations.
pub(crate) async fn start() -> (Site, Organizations) {
    let setup = Setup { policy: policy(), ..Setup::default() };
    let store = Arc::clone(&setup.store);
    (Site::signed_in(setup).await, Organizations::new(Arc::clone(&store) as _, store))
}

/// Makes an organization in which ada has this role.
async fn make(organizations: &Organizations, slug: &str, name: &str) -> OrganizationId {
    let (slug, shown) = (Slug::parse(slug).unwrap(), KeyName::parse(slug).unwrap());
    organizations.create(shown, slug, "ada@example.com", role(name)).await.unwrap().id
}

/// Makes a key of an organization, with this permission, and returns its id.
async fn mint(site: &Site, organization: &OrganizationId, action: &str) -> KeyId {
    let new = NewKey { permissions: Some(Permissions::of(&[("files", &[action])])), ..NewKey::default() };
    let request = CreateKey {
        config_id: ConfigId::parse("team").ok(),
        owner: None,
        organization: Some(organization.clone()),
        new,
    };
    site.keys.create(&Caller::Server, request).await.unwrap().key.details.id.clone()
}

#[tokio::test]
async fn a_member_is_offered_what_their_role_allows() {
    let (site, organizations) = start().await;
    let changes = ["rotate", "edit", "revoke", "delete"];
    for (slug, name, allowed) in
        [("ours", "owner", &changes[..]), ("written", "writer", &changes[..2]), ("read", "reader", &[])]
    {
        let organization = make(&organizations, slug, name).await;
        let id = mint(&site, &organization, "read").await;
        let path = format!("/console/keys/{}", id.as_str());
        let page = site.get(&path).await;
        page.has(&["Test", "Settings"]);
        for change in changes {
            let is_allowed = allowed.contains(&change);
            let change = format!("{path}/{change}");
            assert_eq!(page.html.contains(&format!("href=\"{change}\"")), is_allowed, "{name} {change}");
            let form = site.get(&change).await;
            let expected = if is_allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(form.status, expected, "{name} {change}");
            if !is_allowed {
                form.has(&["You may not do that"]);
                assert_eq!(site.post(&change, &[]).await.status, StatusCode::FORBIDDEN, "{name} {change}");
            }
        }
    }
}

#[tokio::test]
async fn a_member_is_offered_the_permissions_of_their_ceiling() {
    let (site, organizations) = start().await;
    let new = "/console/keys/new?config=team";
    let (read, write) = ("[&#34;files&#34;,&#34;read&#34;]", "[&#34;files&#34;,&#34;write&#34;]");
    let written = make(&organizations, "written", "writer").await;
    make(&organizations, "read", "reader").await;
    let form = site.get(new).await;
    form.has(&[read]);
    form.lacks(&[write]);
    let id = mint(&site, &written, "write").await;
    let form = site.get(&format!("/console/keys/{}/edit", id.as_str())).await;
    form.has(&[read, "files:write"]);
    form.lacks(&[write]);

    // Of several organizations any may be meant, until one is chosen.
    let ours = make(&organizations, "ours", "owner").await;
    let form = site.get(new).await;
    form.has(&[read, write]);
    for (organization, offers) in [(&ours, true), (&written, false)] {
        let sent = [
            ("form", &*form.hidden("form")),
            ("config", "team"),
            ("organization", organization.as_str()),
            ("expiry", "soon"),
        ];
        let again = site.post("/console/keys/new", &sent).await;
        again.has(&["Choose one of the lifetimes.", read]);
        assert_eq!(again.html.contains(write), offers, "{}", organization.as_str());
    }
}

#[tokio::test]
async fn a_member_keeps_what_a_key_has_beyond_their_ceiling() {
    let (site, organizations) = start().await;
    let id = mint(&site, &make(&organizations, "written", "writer").await, "write").await;
    let path = format!("/console/keys/{}", id.as_str());
    for (chosen, expected) in
        [(None, &["write"][..]), (Some(("permission", "[\"files\",\"read\"]")), &["read", "write"]), (None, &["write"])]
    {
        let version = site.get(&format!("{path}/edit")).await.hidden("version");
        let sent = [("version", &*version), ("name", "n"), ("enabled", "yes"), ("expiry", "keep")];
        let sent: Vec<_> = sent.into_iter().chain(chosen).collect();
        let saved = site.post(&format!("{path}/edit"), &sent).await;
        assert_eq!(saved.location(), format!("{path}?did=saved"), "{chosen:?} {}", saved.html);
        let key = site.keys.get(&Caller::Server, &id, None).await.unwrap();
        assert_eq!(key.details.permissions, Some(Permissions::of(&[("files", expected)])), "{chosen:?}");
    }
}

#[tokio::test]
async fn a_guest_makes_keys_of_organizations_for_an_organization_alone() {
    let (site, organizations) = start().await;
    let acme = make(&organizations, "acme", "owner").await;
    // A slug is not the owner of any key.
    for (owner, is_known) in [("ada", false), ("acme", false), (acme.as_str(), true)] {
        let home = site.enter_portal(owner, &PortalRight::ALL).await;
        let keys = format!("{home}/keys");
        let form = site.get(&format!("{keys}/new?config=team")).await;
        assert_eq!(form.html.contains("config=team"), is_known, "{owner}");
        assert_eq!(form.hidden("config"), if is_known { "team" } else { "default" }, "{owner}");
        let sent = [("form", &*form.hidden("form")), ("config", "team")];
        let made = site.post(&format!("{keys}/new"), &sent).await;
        let expected = if is_known { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(made.status, expected, "{owner} {}", made.html);
        let form = site.get(&format!("{keys}/new")).await;
        let sent = [("form", &*form.hidden("form")), ("config", "default")];
        assert_eq!(site.post(&format!("{keys}/new"), &sent).await.status, StatusCode::OK, "{owner}");
        let config_id = ConfigId::parse("team").ok();
        let of_team = ListKeys { config_id, ..ListKeys::default() };
        let listed = site.keys.list(&Caller::Server, of_team).await.unwrap();
        assert_eq!(listed.keys.len(), usize::from(is_known), "{owner}");
    }
}

#[tokio::test]
async fn without_organizations_nobody_is_led_to_their_keys() {
    let site = Site::signed_in(Setup { policy: policy(), organizations: false, ..Setup::default() }).await;
    let list = site.get("/console/keys?organization=acme").await;
    assert_eq!(list.status, StatusCode::BAD_REQUEST);
    list.has(&["There is no such organization, or you may not see its keys."]);
    let form = site.get("/console/keys/new?config=team").await;
    assert_eq!(form.hidden("config"), "default");
    form.lacks(&["config=team"]);
    let sent = [("form", &*form.hidden("form")), ("config", "team"), ("organization", "acme")];
    let refused = site.post("/console/keys/new", &sent).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.has(&["You can make no key of the configuration that you have asked for."]);
    let id = mint(&site, &OrganizationId::parse("acme").unwrap(), "read").await;
    let path = format!("/console/keys/{}", id.as_str());
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.post(&format!("{path}/restore"), &[]).await.status, StatusCode::NOT_FOUND);
}
