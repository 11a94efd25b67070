//! Reports of leaked keys from those who look for them in public.

mod github;

use super::endpoint::{Area, Endpoint};

pub(super) fn area() -> Area {
    let endpoints = vec![Endpoint::post("/leaks/github", github::report, github::describe)];
    Area { name: "Leaks", about: "Reports of leaked keys from scanners.", endpoints }
}
