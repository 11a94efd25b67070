//! The guard of every framework over real sockets, the client of a remote Keymint, and the examples of guarded routes.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../../../crates/actix/examples/embedded.rs"]
mod actix_embedded;
#[path = "../../../crates/actix/examples/remote.rs"]
mod actix_remote;
#[expect(dead_code, reason = "its main function is not run")]
#[path = "../../../crates/tower/examples/embedded.rs"]
mod axum_embedded;
#[expect(dead_code, reason = "its main function is not run")]
#[path = "../../../crates/tower/examples/remote.rs"]
mod axum_remote;
#[path = "guards/document.rs"]
mod document;
#[path = "guards/examples.rs"]
mod examples;
#[path = "guards/remote.rs"]
mod remote;
#[path = "guards/remote_tls.rs"]
mod remote_tls;

keymint_guard_suite::suite!(actix: keymint_guard_suite::frameworks::Actix);
keymint_guard_suite::suite!(axum: keymint_guard_suite::frameworks::Axum);
