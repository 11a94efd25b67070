//! Guarded routes over real sockets, as the examples build them: by a service in the process, and by a remote Keymint.

#![expect(clippy::unwrap_used, reason = "tests")]

mod addresses;
mod document;
mod embedded;
#[path = "../../examples/embedded.rs"]
mod embedded_example;
mod former_secrets;
mod paying;
mod remote;
#[path = "../../examples/remote.rs"]
mod remote_example;
mod remote_tls;
mod support;
