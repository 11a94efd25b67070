//! Token introspection (RFC 7662), for gateways and libraries that know OAuth 2.0.

mod introspect;
pub(super) mod metadata;

use super::endpoint::{Area, Endpoint};

pub(super) fn area() -> Area {
    let introspect = Endpoint::post(introspect::PATH, introspect::introspect, introspect::describe);
    Area {
        name: "Introspection",
        about: "Introspection of keys as tokens of OAuth 2.0, for servers.",
        endpoints: vec![introspect.frequent().or_form().fails_as(introspect::failure)],
    }
}
