//! The server of these tests, which trusts gateways on this machine.

use keymint_test_support::keymint::{Place, Server};

/// Starts a server with an empty database in memory.
pub(crate) fn start() -> Server {
    start_with(&[])
}

/// Does the same where `server.base_url` is the server's address, for those who follow its URLs.
pub(crate) fn start_at_its_base_url() -> Server {
    let address = crate::gateway::free_address().to_string();
    let base_url = format!("http://{address}");
    start_with(&[("KEYMINT__SERVER__LISTEN", &address), ("KEYMINT__SERVER__BASE_URL", &base_url)])
}

/// Does the same with more variables in its environment.
pub(crate) fn start_with(variables: &[(&str, &str)]) -> Server {
    let place = Place::on("memory:")
        .with("KEYMINT__SERVER__TRUSTED_PROXIES", r#"["127.0.0.1/32"]"#)
        .with("KEYMINT__AUTHORIZE__ASSERTION__AUDIENCE", "files");
    variables.iter().fold(place, |place, (name, value)| place.with(name, value)).serve()
}
