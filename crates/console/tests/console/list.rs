//! The list of keys.

use keymint_domain::key::NewKey;
use keymint_domain::organization::{RoleName, Slug};
use keymint_domain::value::{KeyName, Lifetime};
use keymint_domain::{ConfigId, Configuration, Policy};
use reqwest::StatusCode;

use crate::organizations::start;
use crate::support::{Setup, Site, with_quota};

fn named(name: &str) -> NewKey {
    NewKey { name: Some(KeyName::parse(name).unwrap()), ..NewKey::default() }
}

/// The id of the user who signed up.
async fn owner(site: &Site) -> String {
    let (id, _) = site.create("mine").await;
    let key = site.keys.get(&keymint_service::Caller::Server, &id, None).await.unwrap();
    key.details.owner.to_string()
}

#[tokio::test]
async fn an_empty_list_says_what_to_do() {
    let site = Site::signed_in(Setup::default()).await;
    let page = site.get("/console/keys").await;
    page.has(&["No keys yet", "href=\"/console/keys/new\"", "Make the first key", "ada@example.com"]);
    page.lacks(&["<table"]);
}

#[tokio::test]
async fn the_list_has_ones_own_keys_and_nobody_elses() {
    let site = Site::signed_in(Setup::default()).await;
    let ada = owner(&site).await;
    site.mint(&ada, with_quota(1200)).await;
    site.mint("bob", named("of bob")).await;
    let page = site.get("/console/keys").await;
    page.has(&[">mine<", "1,200", "Active", "1–2 of 2", "Never"]);
    page.lacks(&["of bob", "Owner"]);
    site.get("/console/keys?owner=bob").await.lacks(&["of bob"]);
}

#[tokio::test]
async fn filters_and_the_order_are_in_the_address() {
    let site = Site::signed_in(Setup::default()).await;
    let ada = owner(&site).await;
    let lifetime = Lifetime::from_seconds(2.0 * 86_400.0).unwrap();
    site.mint(&ada, NewKey { expires_in: Some(lifetime), ..named("soon") }).await;
    let spent = site.mint(&ada, NewKey { remaining: keymint_domain::key::Field::Given(0), ..named("spent") }).await;
    for (query, found) in [
        ("q=so", vec!["soon"]),
        ("q=SO", vec!["soon"]),
        (&*format!("q={}", spent.as_str()), vec!["spent"]),
        ("status=exhausted", vec!["spent"]),
        ("status=active", vec!["mine", "soon"]),
        ("expires=7", vec!["soon"]),
        ("expires=7&status=exhausted", vec![]),
        ("idle=7", vec![]),
        ("config=default", vec!["mine", "soon", "spent"]),
        ("config=other", vec![]),
    ] {
        let page = site.get(&format!("/console/keys?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        for name in ["mine", "soon", "spent"] {
            let is_shown = page.html.contains(&format!("<bdi>{name}</bdi>"));
            assert_eq!(is_shown, found.contains(&name), "{query} {name}");
        }
        if found.is_empty() {
            page.has(&["No key matches", "Show all keys"]);
        }
    }
    site.get("/console/keys").await.has(&["Expires soon", "Used up"]);
    let sorted = site.get("/console/keys?sort=name&status=active").await;
    sorted.has(&["aria-sort=\"ascending\"", "sort=%2Dname", "name=\"sort\" value=\"name\""]);
    assert!(sorted.html.find(">mine<") < sorted.html.find(">soon<"));
    let sorted = site.get("/console/keys?sort=-name&status=active").await;
    assert!(sorted.html.find(">mine<") > sorted.html.find(">soon<"));
}

#[tokio::test]
async fn pages_follow_each_other() {
    let site = Site::signed_in(Setup::default()).await;
    let ada = owner(&site).await;
    for number in 0..26 {
        site.mint(&ada, named(&format!("key {number}"))).await;
    }
    let first = site.get("/console/keys").await;
    first.has(&["1–25 of 27", "href=\"/console/keys?page=2\""]);
    first.lacks(&["rel=\"prev\""]);
    let second = site.get("/console/keys?page=2").await;
    second.has(&["26–27 of 27", "rel=\"prev\""]);
    second.lacks(&["rel=\"next\""]);
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_told_beside_itself() {
    let site = Site::signed_in(Setup::default()).await;
    site.create("mine").await;
    let long = format!("q={}", "a".repeat(10_000));
    for (query, text) in [
        (&*long, "The search must have 2048 bytes or fewer."),
        ("q=%00", "The search must not contain U+0000."),
        ("status=gone", "Choose one of the states."),
        ("idle=-1", "Choose a number of days"),
        ("expires=x", "Choose a number of days"),
        ("sort=secret", "Choose one of the columns"),
        ("page=0", "There is no such page of the list."),
        ("page=99999999999999999999", "There is no such page of the list."),
        ("page=18446744073709551615", "There is no such page of the list."),
    ] {
        let page = site.get(&format!("/console/keys?{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query:.40}");
        page.has(&[text, "Show all keys"]);
        page.lacks(&["<bdi>mine"]);
        assert!(page.html.len() < 20_000, "{query:.40}");
    }
}

#[tokio::test]
async fn texts_of_others_are_texts() {
    let site = Site::signed_in(Setup::configured(|found| found.name_length.max = 200)).await;
    let ada = owner(&site).await;
    let emoji = "👩🏽‍🚀".repeat(4);
    let script = "<script>alert(1)</script>";
    for name in [&*emoji, script, "\"><img src=x>", "\u{5d0}\u{5d1} אב"] {
        site.mint(&ada, named(name)).await;
    }
    let page = site.get("/console/keys").await;
    page.has(&[&format!("<bdi>{emoji}</bdi>"), "&#60;script&#62;alert(1)&#60;/script&#62;", "\u{5d0}\u{5d1}"]);
    page.lacks(&[script, "<img"]);
    let found = site.get("/console/keys?q=%3Cscript%3E").await;
    found.has(&["value=\"&#60;script&#62;\""]);
    found.lacks(&[script]);
}

#[tokio::test]
async fn keys_of_all_configurations_are_there() {
    let other = Configuration::new(ConfigId::parse("live").unwrap());
    let policy = Policy::new(vec![Configuration::default(), other]).unwrap();
    let site = Site::signed_in(Setup { policy, ..Setup::default() }).await;
    let form = site.get("/console/keys/new?config=live").await;
    form.has(&["aria-current=\"true\"", "name=\"config\" value=\"live\""]);
    let sent = [("form", &*form.hidden("form")), ("config", "live"), ("name", "of live")];
    assert_eq!(site.post("/console/keys/new", &sent).await.status, StatusCode::OK);
    site.create("of default").await;
    site.get("/console/keys").await.has(&["of live", "of default", "<option value=\"live\">"]);
    let live = site.get("/console/keys?config=live").await;
    live.has(&["of live", "<option value=\"live\" selected>"]);
    live.lacks(&["of default"]);
    let path = live.html.split("class=\"title\"><a href=\"").nth(1).unwrap().split('"').next().unwrap();
    site.get(path).await.has(&["of live"]);
}

#[tokio::test]
async fn uses_of_a_week_are_drawn() {
    let site = Site::signed_in(Setup::configured(|found| found.rate_limit.enabled = false)).await;
    let (_, secret) = site.create("busy").await;
    site.create("idle").await;
    for _ in 0..1200 {
        let used = keymint_service::VerifyKey::of(keymint_domain::key::PlainKey::new(&*secret));
        site.keys.verify(&keymint_service::Caller::Server, used).await.unwrap();
    }
    site.usage.flush().await.unwrap();
    let page = site.get("/console/keys").await;
    page.has(&["Used in 7 days", "aria-label=\"1,200 uses in 7 days\"", "Not used"]);
    assert_eq!(page.html.matches("<svg class=\"spark\"").count(), 1);
    let unused = page.html.split("<path class=\"none\" d=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(unused.matches('M').count(), 6, "the other days");
}

#[tokio::test]
async fn keys_of_an_organization_are_for_its_members() {
    let mut team = Configuration::new(ConfigId::parse("team").unwrap());
    team.references = keymint_domain::policy::References::Organization;
    let policy = Policy::new(vec![Configuration::default(), team]).unwrap();
    let site = Site::signed_in(Setup { policy, ..Setup::default() }).await;
    site.create("mine").await;
    let page = site.get("/console/keys?organization=acme").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.has(&["There is no such organization, or you may not see its keys.", "value=\"acme\""]);
    let form = site.get("/console/keys/new?config=team").await;
    form.has(&["The id of the organization that will own the key."]);
    let sent = [("form", &*form.hidden("form")), ("config", "team"), ("organization", "acme")];
    let refused = site.post("/console/keys/new", &sent).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.has(&["You are no member of it."]);
}

#[tokio::test]
async fn members_choose_one_of_their_organizations() {
    let (site, organizations) = start().await;
    let make = async |name: &str, slug: &str, role: RoleName| {
        let (name, slug) = (KeyName::parse(name).unwrap(), Slug::parse(slug).unwrap());
        organizations.create(name, slug, "ada@example.com", role).await.unwrap().id.to_string()
    };
    let acme = make("Acme <1>", "acme", RoleName::parse("owner").unwrap()).await;
    make("Readers", "readers", RoleName::parse("reader").unwrap()).await;
    make("Strangers", "strangers", RoleName::parse("guest").unwrap()).await;

    let form = site.get("/console/keys/new?config=team").await;
    form.has(&[&format!("<option value=\"{acme}\">Acme &#60;1&#62;</option>")]);
    form.lacks(&["Readers", "Strangers", "Choose one", "The id of the organization"]);
    let sent = [("form", &*form.hidden("form")), ("config", "team"), ("organization", &*acme), ("name", "ours")];
    assert_eq!(site.post("/console/keys/new", &sent).await.status, StatusCode::OK);

    // A list without keys has no filters.
    let none = site.get("/console/keys").await;
    none.has(&["No keys yet", &format!("<a href=\"/console/keys?organization={acme}\">Acme &#60;1&#62;</a>")]);
    site.create("mine").await;
    let mine = site.get("/console/keys").await;
    mine.has(&["Keys of", "Myself", "Readers"]);
    mine.lacks(&["ours", "Strangers"]);
    let ours = site.get(&format!("/console/keys?organization={acme}")).await;
    ours.has(&["ours", &format!("<option value=\"{acme}\" selected>")]);
    let unknown = site.get("/console/keys?organization=other").await;
    unknown.has(&["There is no such organization, or you may not see its keys.", "value=\"other\""]);
}

#[tokio::test]
async fn pages_are_there_wherever_the_api_is() {
    for base_path in ["", "/c", "/elsewhere"] {
        let mut setup = Setup::default();
        setup.options.base_path = base_path.to_owned();
        let site = Site::with(setup);
        let page = site.get("/console/sign-in").await;
        assert_eq!(page.status, StatusCode::OK, "{base_path:?}");
        let asked = site.get(&format!("{base_path}/get-session")).await;
        assert_eq!((asked.status, &*asked.html), (StatusCode::OK, "null"), "{base_path:?}");
    }
}
