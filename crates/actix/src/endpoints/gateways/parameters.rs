use std::ops::RangeInclusive;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use keymint_domain::verify::Cost;
use keymint_domain::{ConfigId, Permissions};
use utoipa::openapi::schema::ObjectBuilder;

use super::authorize::REST;
use crate::error::ApiError;
use crate::members::pairs;
use crate::members::schema::{Property, choice, id, integer, optional, text};

/// The requirements of a route for the keys that pass it: the gateway's settings, not its client's.
#[derive(Debug, Default)]
pub(in crate::endpoints) struct Parameters {
    /// The configuration that the key must be of; `None` = any.
    pub(in crate::endpoints) config_id: Option<ConfigId>,
    /// The permissions that the key must grant; `None` = none.
    pub(in crate::endpoints) permissions: Option<Permissions>,
    /// The cost of the request.
    pub(in crate::endpoints) cost: Cost,
    /// True if every denial is a 401 or a 403, the only ones that nginx knows.
    pub(super) deny_by_403: bool,
    /// True if `Authorization: Bearer` may hold the key; `None` = as it is configured.
    pub(super) bearer: Option<bool>,
}

/// The place of a parameter: the query of `/authorize`, or the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    Header,
}

/// A parameter, as the query or a header may hold it.
struct Parameter {
    /// The name in the query.
    name: &'static str,
    /// The header; `None` = none, since to leave a key unread is to ask for less.
    header: Option<&'static str>,
    about: &'static str,
    schema: fn(Place) -> ObjectBuilder,
    /// Keeps the value, or returns the problem.
    read: fn(&mut Parameters, &Given) -> Result<(), String>,
}

/// A parameter as it was given.
struct Given {
    place: Place,
    text: String,
}

/// A percent-encoded character of UTF-8.
const ESCAPE: &str = "%[0-7]H|%[cC][2-9a-fA-F]T|%[dD]HT|%[eE]0%[abAB]HT|%[eE][1-9a-cA-CeEfF]TT|%[eE][dD]%[89]HT\
    |%[fF]0%[9abAB]HTT|%[fF][1-3]TTT|%[fF]4%8HTT";
const BEARER: [(&str, bool); 2] = [("on", true), ("off", false)];
const DENY: &str = "403";

/// The number of parameters, the first ones, that say what a key must be and do.
const OF_KEYS: usize = 3;

static PARAMETERS: [Parameter; 5] = [
    Parameter {
        name: "config",
        header: Some("X-Authz-Config"),
        about: "The configuration that the key must belong to.",
        schema: |_| id(),
        read: |parameters, given| {
            parameters.config_id = Some(ConfigId::parse(given.text.as_str()).map_err(|error| error.to_string())?);
            Ok(())
        },
    },
    Parameter {
        name: "permissions",
        header: Some("X-Authz-Permissions"),
        about: "The actions that the key must grant.",
        schema: |place| {
            let pattern = if place == Place::Query { permissions() } else { permissions_in_header() };
            text().pattern(Some(pattern)).examples(["files:read,files:write"])
        },
        read: |parameters, given| {
            let asked = Permissions::from_words(&given.text).map_err(|error| format!("Invalid input: {error}"))?;
            parameters.permissions = Some(asked);
            Ok(())
        },
    },
    Parameter {
        name: "cost",
        header: Some("X-Authz-Cost"),
        about: "The cost of the request; 1 if absent.",
        schema: |place| integer((*costs(place).start()).into(), (*costs(place).end()).into()),
        read: |parameters, given| read_cost(&given.text, costs(given.place)).map(|cost| parameters.cost = cost),
    },
    Parameter {
        name: "deny",
        header: Some("X-Authz-Deny"),
        about: "`403` answers 403 instead of 400 and 429 too, with the intended status in a header.",
        schema: |_| choice([DENY]),
        read: |parameters, given| {
            parameters.deny_by_403 = given.text == DENY;
            if parameters.deny_by_403 { Ok(()) } else { Err(format!("Invalid input: expected {DENY}")) }
        },
    },
    Parameter {
        name: "bearer",
        header: None,
        about: "Accepts the key in `Authorization: Bearer`; `authorize.bearer` if absent.",
        schema: |_| choice(BEARER.map(|(name, _)| name)),
        read: |parameters, given| {
            parameters.bearer = BEARER.into_iter().find(|(name, _)| *name == given.text).map(|(_, is_on)| is_on);
            if parameters.bearer.is_some() { Ok(()) } else { Err("Invalid input: expected on or off".to_owned()) }
        },
    },
];

impl Parameters {
    /// Reads what a key must be and do from the query of an endpoint that takes nothing else there.
    pub(in crate::endpoints) fn of_key(request: &HttpRequest) -> Result<Self, ApiError> {
        let (parameters, read) = Self::read_among(&PARAMETERS[..OF_KEYS], request.query_string(), None);
        read.map(|()| parameters)
    }

    /// Returns the parameters of [`Parameters::of_key`], for the document.
    pub(in crate::endpoints) fn properties_of_key() -> Vec<Property> {
        stated(&PARAMETERS[..OF_KEYS], Place::Query)
    }

    /// Reads the query of `/authorize`, and `X-Authz-*` for parameters that are not in it.
    ///
    /// Below `/authorize` the query is the client's request's (Envoy appends it), and is ignored. A header may have passed
    /// a gateway that copies its client's, so that it can only ask for more than the query does: the query has
    /// precedence, and a header's cost is 1 at least. Headers of anyone but a gateway are ignored.
    ///
    /// The error names every parameter that is wrong; `deny_by_403` is known all the same.
    pub(super) fn read(request: &HttpRequest, is_trusted: bool) -> (Self, Result<(), ApiError>) {
        let is_below = request.match_info().get(REST).is_some();
        let query = if is_below { "" } else { request.query_string() };
        Self::read_among(&PARAMETERS, query, is_trusted.then(|| request.headers()))
    }

    fn read_among(known: &[Parameter], query: &str, headers: Option<&HeaderMap>) -> (Self, Result<(), ApiError>) {
        let mut problems = Vec::new();
        let query = pairs(query).unwrap_or_else(|| {
            problems.push("[query] Invalid query".to_owned());
            Vec::new()
        });
        for (name, _) in query.iter().filter(|(name, _)| known.iter().all(|known| known.name != name)) {
            let known = known.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", ");
            problems.push(format!("[query.{}] Unknown parameter: expected one of {known}", plain(name)));
        }
        let mut parameters = Self::default();
        for parameter in known {
            if let Some(given) = parameter.find(&query, headers, &mut problems)
                && let Err(problem) = (parameter.read)(&mut parameters, &given)
            {
                problems.push(format!("[{}] {problem}", parameter.path(given.place)));
            }
        }
        let outcome = if problems.is_empty() { Ok(()) } else { Err(ApiError::Validation(problems.join("; "))) };
        (parameters, outcome)
    }
}

impl Parameter {
    fn find(
        &self,
        query: &[(String, String)],
        headers: Option<&HeaderMap>,
        problems: &mut Vec<String>,
    ) -> Option<Given> {
        let mut in_query = query.iter().filter(|(name, _)| name == self.name);
        let (place, text, is_repeated) = if let Some((_, text)) = in_query.next() {
            (Place::Query, text.clone(), in_query.next().is_some())
        } else {
            let mut lines = headers?.get_all(self.header?);
            let text = String::from_utf8_lossy(lines.next()?.as_bytes()).into_owned();
            (Place::Header, text, lines.next().is_some())
        };
        if is_repeated {
            problems.push(format!("[{}] Given more than once", self.path(place)));
        }
        Some(Given { place, text })
    }

    /// Returns the parameter's path in messages.
    fn path(&self, place: Place) -> String {
        match place {
            Place::Query => format!("query.{}", self.name),
            Place::Header => format!("header.{}", self.header.unwrap_or_default().to_ascii_lowercase()),
        }
    }
}

/// Returns the parameters of a place, for the document.
pub(super) fn properties(place: Place) -> Vec<Property> {
    stated(&PARAMETERS, place)
}

fn stated(known: &[Parameter], place: Place) -> Vec<Property> {
    let name = |parameter: &Parameter| if place == Place::Query { Some(parameter.name) } else { parameter.header };
    let stated = |parameter: &Parameter| Some(optional(name(parameter)?, (parameter.schema)(place), parameter.about));
    known.iter().filter_map(stated).collect()
}

fn costs(place: Place) -> RangeInclusive<u32> {
    u32::from(place == Place::Header)..=u32::MAX
}

fn read_cost(text: &str, range: RangeInclusive<u32>) -> Result<Cost, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let cost = text.parse().ok().filter(|cost| is_plain && range.contains(cost));
    cost.map(Cost)
        .ok_or_else(|| format!("Invalid input: expected a whole number from {} to {}", range.start(), range.end()))
}

/// Returns a name as a message may repeat it: short, and without invisible characters.
fn plain(name: &str) -> String {
    name.chars().take(32).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// Returns the pattern of `files:read,files:write`. It lists the spaces of `str::trim`, since `\s` means fewer in other
/// dialects.
fn permissions() -> String {
    let space = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";
    let (any, visible) = (format!("(?:[^:,%]|{0})", escape()), format!("(?:[^:,%{space}]|{0})", escape()));
    let one = format!("[{space}]*{visible}{any}*:{any}*{visible}[{space}]*");
    format!("^{one}(,{one})*$")
}

/// Returns the pattern in a header, which is ASCII to most of those who write one.
fn permissions_in_header() -> String {
    let word = format!("(?:[-!-$&-+.-9;-~]|{})+", escape());
    format!("^{word}:{word}(,{word}:{word})*$")
}

fn escape() -> String {
    let hex = "[0-9a-fA-F]";
    ESCAPE.replace('T', &format!("%[89abAB]{hex}")).replace('H', hex)
}
