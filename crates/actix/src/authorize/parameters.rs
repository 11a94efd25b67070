use std::ops::RangeInclusive;

use actix_web::HttpRequest;
use keymint_domain::verify::Cost;
use keymint_domain::{ConfigId, Permissions};

use crate::ApiError;
use crate::request::pairs;

/// What a route asks of the keys that pass it: the gateway's settings, not its client's.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    /// The configuration that the key must be of; `None` = any.
    pub(crate) config_id: Option<ConfigId>,
    /// What the key must grant; `None` = nothing in particular.
    pub(crate) permissions: Option<Permissions>,
    /// What the request costs.
    pub(crate) cost: Cost,
    /// Whether every denial is a 401 or a 403, which are all that nginx knows.
    pub(crate) deny_by_403: bool,
    /// True if `Authorization: Bearer` may hold the key; `None` = as it is configured.
    pub(crate) bearer: Option<bool>,
}

/// A parameter as it was given, and where: for messages.
struct Given {
    place: String,
    text: String,
}

const NAMES: [&str; 5] = ["config", "permissions", "cost", "deny", BEARER];
/// No header says it: to leave a key unread is to ask for less.
const BEARER: &str = "bearer";

impl Parameters {
    /// Reads the query of `/authorize`, and `X-Authz-*` for what it does not say.
    ///
    /// Below `/authorize` the query is of the client's request (Envoy appends it), and says nothing. A header may have
    /// slipped through a gateway that copies its client's, so that it can only ask for more than the query does: the
    /// query counts first, and a header's cost is 1 at least. Headers of anyone but a gateway say nothing.
    ///
    /// Errors: the message names every parameter that is wrong; whether to deny by 403 is known all the same.
    pub(crate) fn read(request: &HttpRequest, is_trusted: bool) -> (Self, Result<(), ApiError>) {
        let mut problems = Vec::new();
        let query = if is_exact(request) { request.query_string() } else { "" };
        let query = pairs(query).unwrap_or_else(|| {
            problems.push("[query] Invalid query".to_owned());
            Vec::new()
        });
        for (name, _) in query.iter().filter(|(name, _)| !NAMES.contains(&name.as_str())) {
            problems.push(format!("[query.{}] Unknown parameter: expected one of {}", plain(name), NAMES.join(", ")));
        }
        let mut given = |name: &str| -> Option<Given> {
            let mut in_query = query.iter().filter(|(given, _)| given == name);
            let place = format!("query.{name}");
            if let Some((_, text)) = in_query.next() {
                if in_query.next().is_some() {
                    problems.push(format!("[{place}] Given more than once"));
                }
                return Some(Given { place, text: text.clone() });
            }
            let header = format!("x-authz-{name}");
            let mut lines = request.headers().get_all(&*header).filter(|_| is_trusted && name != BEARER);
            let text = String::from_utf8_lossy(lines.next()?.as_bytes()).into_owned();
            let place = format!("header.{header}");
            if lines.next().is_some() {
                problems.push(format!("[{place}] Given more than once"));
            }
            Some(Given { place, text })
        };
        let (config, permissions, cost) = (given("config"), given("permissions"), given("cost"));
        let (deny, bearer) = (given("deny"), given(BEARER));
        let mut taken = Self::default();
        let mut take = |given: Option<Given>, read: &mut dyn FnMut(&Given) -> Result<(), String>| {
            if let Some(given) = given
                && let Err(problem) = read(&given)
            {
                problems.push(format!("[{}] {problem}", given.place));
            }
        };
        take(config, &mut |given| {
            taken.config_id = Some(ConfigId::parse(given.text.as_str()).map_err(|error| error.to_string())?);
            Ok(())
        });
        take(permissions, &mut |given| {
            let asked = Permissions::from_words(&given.text).map_err(|error| format!("Invalid input: {error}"))?;
            taken.permissions = Some(asked);
            Ok(())
        });
        take(cost, &mut |given| {
            let least = u32::from(given.place.starts_with("header"));
            read_cost(&given.text, least..=u32::MAX).map(|cost| taken.cost = cost)
        });
        take(deny, &mut |given| {
            taken.deny_by_403 = given.text == "403";
            if taken.deny_by_403 { Ok(()) } else { Err("Invalid input: expected 403".to_owned()) }
        });
        take(bearer, &mut |given| {
            let states = [("on", true), ("off", false)];
            taken.bearer = states.into_iter().find(|(name, _)| *name == given.text).map(|(_, state)| state);
            if taken.bearer.is_some() { Ok(()) } else { Err("Invalid input: expected on or off".to_owned()) }
        });
        let outcome = if problems.is_empty() { Ok(()) } else { Err(ApiError::Validation(problems.join("; "))) };
        (taken, outcome)
    }
}

/// Whether the request is for `/authorize` itself, and not for a path below it.
fn is_exact(request: &HttpRequest) -> bool {
    request.match_info().get("path").is_none()
}

fn read_cost(text: &str, range: RangeInclusive<u32>) -> Result<Cost, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let cost = text.parse().ok().filter(|cost| is_plain && range.contains(cost));
    cost.map(Cost)
        .ok_or_else(|| format!("Invalid input: expected a whole number from {} to {}", range.start(), range.end()))
}

/// A name as a message may repeat it: short, and without what cannot be seen.
fn plain(name: &str) -> String {
    name.chars().take(32).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}
