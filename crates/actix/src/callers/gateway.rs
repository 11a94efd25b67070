use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use ipnet::IpNet;
use keymint_ports::StoreError;
use keymint_service::{Caller, ServerKeys};

use super::{forwarded_address, is_trusted_peer};

/// Holds a gateway's server key. `Authorization` is its client's, and may hold the API key.
const X_AUTHZ_SERVER_KEY: HeaderName = HeaderName::from_static("x-authz-server-key");

/// A caller that asks on a client's behalf.
#[derive(Debug)]
pub(crate) struct Asker {
    /// The caller, to the use case.
    pub(crate) caller: Caller,
    /// True if the headers of the request are a gateway's to set.
    pub(crate) is_trusted: bool,
    /// The address of the gateway's client, if a gateway asks and forwards it.
    pub(crate) client_ip: Option<IpAddr>,
    /// True if the request shows a server key, valid or not.
    pub(crate) shows_server_key: bool,
}

impl Asker {
    /// Recognizes a gateway by its address in `trusted`, a server by its key, and anyone else as such.
    ///
    /// # Errors
    ///
    /// The store with the server keys has failed.
    pub(crate) async fn of(
        request: &HttpRequest,
        trusted: &[IpNet],
        server_keys: &ServerKeys,
    ) -> Result<Self, StoreError> {
        let client_ip = || forwarded_address(request, trusted);
        let shown = request.headers().get(X_AUTHZ_SERVER_KEY).and_then(|value| value.to_str().ok());
        let shows_server_key = shown.is_some();
        if is_trusted_peer(request, trusted) {
            let caller = Caller::Gateway;
            return Ok(Self { caller, is_trusted: true, client_ip: client_ip(), shows_server_key });
        }
        let is_server = match shown {
            Some(text) => server_keys.admit(text).await?,
            None => false,
        };
        let caller = if is_server { Caller::Server } else { Caller::Anyone };
        let client_ip = is_server.then(client_ip).flatten();
        Ok(Self { caller, is_trusted: is_server, client_ip, shows_server_key })
    }
}
