//! The list of keys, with its filters in the address.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::key::KeyState;
use keymint_domain::listing::{Direction, KeyFilter, Page, Search, SortField, Total};
use keymint_domain::metering::{KeySums, Series, Step, Window};
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, OrganizationId, OwnerId, Timestamp};
use keymint_service::{ListKeys, ServiceError, Whose};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::organization::OrganizationField;
use crate::answer::{Answer, page_as};
use crate::ask::Ask;
use crate::form::{Fields, Problems};
use crate::layout::{Layout, Section};
use crate::show::{Badge, Spark, When, count, state_word};
use crate::visitor::Visitor;

/// Keys on a page.
const PER_PAGE: u32 = 25;

/// The farthest row that a page may begin at. A search finds what is behind it.
const MAX_OFFSET: u64 = 1_000_000;

#[derive(Template)]
#[template(path = "pages/keys/list/page.html")]
struct ListPage {
    layout: Layout,
    problems: Problems,
    filter: FilterView,
    columns: Vec<Column>,
    rows: Vec<Row>,
    unreadable: Vec<String>,
    shown: String,
    previous: Option<String>,
    next: Option<String>,
    is_operator: bool,
    has_usage: bool,
    deleted: Option<String>,
}

/// The filter, as its form shows it.
struct FilterView {
    search: String,
    owner: String,
    /// The organization whose keys are listed; `None` = no keys belong to organizations.
    organization: Option<OrganizationField>,
    status: Vec<Choice>,
    configurations: Vec<Choice>,
    idle: Vec<Choice>,
    expires: Vec<Choice>,
    sort: String,
    is_empty: bool,
}

struct Choice {
    value: String,
    text: String,
    is_chosen: bool,
}

/// A column that sorts.
struct Column {
    text: &'static str,
    path: String,
    /// `ascending`, `descending` or `none`.
    order: &'static str,
}

struct Row {
    path: String,
    name: String,
    has_name: bool,
    start: Option<String>,
    owner: String,
    config_id: String,
    badge: Badge,
    spark: Option<Spark>,
    left: Option<String>,
    last_use: Option<When>,
    expires: Option<When>,
}

/// The columns that sort: the word in the address, the heading, and the field.
const SORTS: [(&str, &str, SortField); 4] = [
    ("name", "Name", SortField::Name),
    ("used", "Last used", SortField::LastRequest),
    ("expires", "Expires", SortField::ExpiresAt),
    ("created", "Created", SortField::CreatedAt),
];

const DAYS: [(u64, &str); 4] = [(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year")];

const DAY_MS: u64 = 86_400_000;

/// The parameters of the address that say what is listed.
const PARAMETERS: [&str; 8] = ["q", "owner", "organization", "status", "config", "idle", "expires", "sort"];

/// A filter that was read, and what is wrong with it.
struct Read {
    request: ListKeys,
    problems: Problems,
    sort: String,
    page: u64,
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let (now, keys) = (ask.now(), visitor.keys());
    let Read { request, mut problems, sort, page } = read(&ask.query, &visitor, now);
    let (listed, uses) = if problems.is_empty() {
        let _turn = ask.request.turn_to_list().await?;
        match list(&ask, &visitor, request.clone(), now).await {
            Err(ServiceError::Refused(code)) if is_of_organization(code) => {
                problems.add("organization", "There is no such organization, or you may not see its keys.");
                (Page::default(), None)
            }
            listed => listed?,
        }
    } else {
        (Page::default(), None)
    };
    let organization = if OrganizationField::is_for(&ask, &visitor) {
        let id = clipped(ask.query.raw("organization"));
        Some(OrganizationField::of(&ask, &visitor, id, |own| own.may_read).await?)
    } else {
        None
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let first = request.offset.unwrap_or(0);
    let number = u64::try_from(listed.keys.len() + listed.unreadable.len()).unwrap_or(0);
    let is_last = first + number >= listed.total.at_least() && matches!(listed.total, Total::Exactly(_));
    let deleted = ask.query.get("key").filter(|_| ask.query.raw("did") == "deleted");
    let deleted = deleted.and_then(|id| KeyId::parse(id).ok());
    let is_deleted = match &deleted {
        Some(id) => ask.find_key(&visitor, id).await.is_err(),
        None => true,
    };
    let done = crate::pages::done(&ask.query, &[("deleted", is_deleted), ("claimed", visitor.is_operator)]);
    let template = ListPage {
        layout: Layout::of(&visitor, Section::Keys, "Keys").with_done(done),
        problems,
        filter: filter_view(&ask, &request, organization, &sort),
        columns: columns(&keys, &ask.query, &sort),
        rows: listed.keys.iter().map(|key| row(key, &visitor, now, uses.as_ref())).collect(),
        unreadable: listed.unreadable.iter().filter_map(|row| row.id.as_ref()).map(KeyId::to_string).collect(),
        shown: shown(first, number, listed.total),
        previous: (page > 1).then(|| address(&keys, &ask.query, &[("page", &(page - 1).to_string())])),
        next: (number > 0 && !is_last && first + u64::from(PER_PAGE) <= MAX_OFFSET)
            .then(|| address(&keys, &ask.query, &[("page", &(page + 1).to_string())])),
        is_operator: visitor.is_operator,
        has_usage: uses.is_some(),
        deleted: deleted.map(|id| format!("{}/restore", visitor.path(&id))),
    };
    page_as(status, &template)
}

/// Returns true if a list is refused because of its organization.
fn is_of_organization(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::UserNotMemberOfOrganization
            | ErrorCode::InsufficientApiKeyPermissions
            | ErrorCode::OrganizationPluginRequired
    )
}

fn read(query: &Fields, visitor: &Visitor, now: Timestamp) -> Read {
    let mut problems = Problems::default();
    let mut filter = KeyFilter::default();
    if let Some(text) = query.get("q") {
        match Search::parse(text) {
            Ok(search) => filter.search = Some(search),
            Err(error) => problems.add("q", format!("The search {error}.")),
        }
    }
    if let Some(word) = query.get("status") {
        match KeyState::ALL.into_iter().find(|state| state.as_str() == word) {
            Some(state) => filter.state = Some((state, now)),
            None => problems.add("status", "Choose one of the states."),
        }
    }
    let mut days = |name: &'static str| {
        let days = query.get(name)?.parse::<u64>().ok().filter(|days| (1..=3650).contains(days));
        if days.is_none() {
            problems.add(name, "Choose a number of days from 1 to 3,650.");
        }
        days.map(|days| DAY_MS * days)
    };
    filter.unused_since = days("idle").map(|ms| now.minus_millis(ms));
    filter.expires_before = days("expires").map(|ms| now.plus_millis(ms));
    let config_id = query.get("config").and_then(|text| match ConfigId::parse(text) {
        Ok(id) => Some(id),
        Err(error) => {
            problems.add("config", format!("The configuration {error}."));
            None
        }
    });
    let owner = query.get("owner").filter(|_| visitor.is_operator).and_then(|text| match OwnerId::parse(text) {
        Ok(id) => Some(id),
        Err(error) => {
            problems.add("owner", format!("The owner {error}."));
            None
        }
    });
    let (sort_by, direction, sort) = order(query, &mut problems);
    let page = query.get("page").map_or(Some(1), |text| text.parse().ok()).filter(|page| *page >= 1);
    let offset = page.and_then(|page: u64| (page - 1).checked_mul(u64::from(PER_PAGE))).filter(|at| *at <= MAX_OFFSET);
    if offset.is_none() {
        problems.add("page", "There is no such page of the list.");
    }
    let organization = query.get("organization").and_then(|text| match OrganizationId::parse(text) {
        Ok(id) => Some(id),
        Err(error) => {
            problems.add("organization", format!("The organization {error}."));
            None
        }
    });
    let whose = match (organization, owner) {
        (Some(organization), Some(owner)) if organization.as_str() != owner.as_str() => Whose::Nobodys,
        (Some(organization), _) => Whose::Organizations(organization),
        (None, Some(owner)) => Whose::Owners(owner),
        (None, None) => Whose::Callers,
    };
    let request =
        ListKeys { whose, config_id, filter, sort_by: Some(sort_by), direction, offset, limit: Some(PER_PAGE) };
    Read { request, problems, sort, page: page.unwrap_or(1) }
}

/// Reads the order: a column's word, with a minus before it for descending.
fn order(query: &Fields, problems: &mut Problems) -> (SortField, Direction, String) {
    let word = query.get("sort").unwrap_or("-created");
    let (name, direction) = match word.strip_prefix('-') {
        Some(name) => (name, Direction::Descending),
        None => (word, Direction::Ascending),
    };
    if let Some((_, _, field)) = SORTS.iter().find(|(known, ..)| *known == name) {
        return (*field, direction, word.to_owned());
    }
    problems.add("sort", "Choose one of the columns to sort by.");
    (SortField::CreatedAt, Direction::Descending, "-created".to_owned())
}

fn columns(keys: &str, query: &Fields, sort: &str) -> Vec<Column> {
    let column = |(word, text, _): &(&'static str, &'static str, SortField)| {
        // Names are looked up from A; of instants the latest matters first. The third click leads back.
        let backwards = format!("-{word}");
        let (first, second) = if *word == "name" { (*word, &*backwards) } else { (&*backwards, *word) };
        let order = match sort {
            _ if sort == *word => "ascending",
            _ if sort == backwards => "descending",
            _ => "none",
        };
        let next = match sort {
            _ if sort == first => second,
            _ if sort == second => "",
            _ => first,
        };
        Column { text, path: address(keys, query, &[("sort", next), ("page", "")]), order }
    };
    SORTS.iter().map(column).collect()
}

/// Returns the address of the list with these parameters in the place of those that it has; empty = without it.
fn address(keys: &str, query: &Fields, changed: &[(&str, &str)]) -> String {
    let value = |name: &str| {
        let new = changed.iter().find(|(changed, _)| *changed == name).map(|(_, value)| *value);
        new.or_else(|| query.get(name)).unwrap_or_default().to_owned()
    };
    let names = PARAMETERS.into_iter().chain(["page"]);
    let pairs = names.map(|name| (name, value(name))).filter(|(_, value)| !value.is_empty());
    let pairs = pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)));
    let pairs = pairs.collect::<Vec<_>>().join("&");
    if pairs.is_empty() { keys.to_owned() } else { format!("{keys}?{pairs}") }
}

fn filter_view(ask: &Ask, request: &ListKeys, organization: Option<OrganizationField>, sort: &str) -> FilterView {
    let query = &ask.query;
    let choices = |name: &str, options: &mut dyn Iterator<Item = (String, String)>| {
        let chosen = query.get(name).unwrap_or_default();
        options.map(|(value, text)| Choice { is_chosen: value == chosen, value, text }).collect()
    };
    let days = || DAYS.iter().map(|(days, text)| (days.to_string(), (*text).to_owned()));
    let configurations = ask.keys().policy().configurations();
    let ids = configurations.iter().map(|entry| (entry.id.to_string(), entry.id.to_string()));
    FilterView {
        search: clipped(query.raw("q")),
        owner: clipped(query.raw("owner")),
        organization,
        status: choices(
            "status",
            &mut KeyState::ALL.iter().map(|state| (state.as_str().into(), state_word(*state).to_owned())),
        ),
        configurations: if configurations.len() > 1 { choices("config", &mut ids.into_iter()) } else { Vec::new() },
        idle: choices("idle", &mut days()),
        expires: choices("expires", &mut days()),
        sort: if sort == "-created" { String::new() } else { sort.to_owned() },
        is_empty: request.filter.is_empty()
            && request.config_id.is_none()
            && request.whose == Whose::Callers
            && PARAMETERS.iter().all(|name| *name == "sort" || query.get(name).is_none()),
    }
}

/// Returns the beginning of a text that may be too long to be shown again.
fn clipped(text: &str) -> String {
    text.chars().take(300).collect()
}

/// Lists a page of keys with their accepted uses, day by day; `None` = no statistics are kept.
async fn list(
    ask: &Ask,
    visitor: &Visitor,
    request: ListKeys,
    now: Timestamp,
) -> Result<(Page, Option<HashMap<KeyId, Vec<u64>>>), ServiceError> {
    let Ok(window) = Window::new(now.minus_millis(6 * DAY_MS), now.plus_millis(1), Step::Day) else {
        return Ok((ask.keys().list(&visitor.caller, request).await?, None));
    };
    let (page, sums) = ask.keys().list_with_usage(&visitor.caller, request, &window).await?;
    let uses = |KeySums { activity, sums }: KeySums| {
        let series = Series::new(&window, &sums);
        (activity.key, series.points.iter().map(|point| point.counts.accepted).collect())
    };
    Ok((page, sums.map(|keys| keys.into_iter().map(uses).collect())))
}

fn row(key: &ApiKey, visitor: &Visitor, now: Timestamp, uses: Option<&HashMap<KeyId, Vec<u64>>>) -> Row {
    let details = &*key.details;
    let left = key.usage.remaining.map(|left| match details.refill_amount {
        Some(amount) => format!("{} of {}", count(left), count(amount)),
        None => count(left),
    });
    Row {
        path: visitor.path(&details.id),
        name: super::name(key),
        has_name: details.name.as_deref().is_some_and(|name| !name.trim().is_empty()),
        start: details.start.clone(),
        owner: details.owner.to_string(),
        config_id: details.config_id.to_string(),
        badge: Badge::of(key, now),
        spark: uses.and_then(|uses| uses.get(&details.id)).cloned().map(Spark::new),
        left,
        last_use: key.usage.last_request.map(|at| When::relative(at, now)),
        expires: details.expires_at.map(|at| When::relative(at, now)),
    }
}

fn shown(first: u64, number: u64, total: Total) -> String {
    if number == 0 {
        return "No keys".to_owned();
    }
    let total = match total {
        Total::Exactly(total) => count(total),
        Total::MoreThan(total) => format!("more than {}", count(total)),
    };
    format!("{}–{} of {total}", count(first + 1), count(first + number))
}
