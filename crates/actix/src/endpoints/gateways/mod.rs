//! Questions of gateways: whether a request may pass, and whose it is.

mod authorize;
mod identity;
mod key_set;
mod parameters;

use super::endpoint::{Area, Endpoint};
use super::introspection::metadata;

pub(super) use parameters::Parameters;

pub(super) fn area() -> Area {
    let at = Endpoint::any(authorize::PATH, authorize::authorize, authorize::describe);
    let below = Endpoint::any(authorize::PATH, authorize::authorize, authorize::describe_below).below(authorize::REST);
    let endpoints = vec![
        at.frequent().fails_as(authorize::denial),
        below.frequent().fails_as(authorize::denial),
        Endpoint::probe("/.well-known/jwks.json", key_set::key_set, key_set::describe),
        Endpoint::probe(metadata::PATH, metadata::metadata, metadata::describe),
    ];
    Area { name: "Gateways", about: "Authorization of requests, for gateways.", endpoints }
}
