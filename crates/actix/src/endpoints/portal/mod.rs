//! Portal sessions, for servers: guests who see and manage the keys of one owner.

mod sessions;

use super::endpoint::{Area, Endpoint};

pub(super) fn area() -> Area {
    let endpoints = vec![Endpoint::post("/portal/sessions", sessions::create, sessions::describe)];
    Area { name: "Portal", about: "Sessions of guests who see and manage the keys of one owner.", endpoints }
}
