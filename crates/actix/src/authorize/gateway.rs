use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use keymint_service::{Caller, stopwatch};

use crate::request::{forwarded_address, is_trusted_peer};
use crate::{Api, ApiError};

/// How a gateway shows a server key: `Authorization` is its client's, and may hold the API key.
const X_AUTHZ_SERVER_KEY: HeaderName = HeaderName::from_static("x-authz-server-key");

/// Who asks on a client's behalf.
#[derive(Debug)]
pub(crate) struct Asker {
    /// Who it is, to the use case.
    pub(crate) caller: Caller,
    /// Whether the headers of the request are a gateway's to set.
    pub(crate) is_trusted: bool,
    /// From where the gateway's client comes, where a gateway asks and says so.
    pub(crate) client_ip: Option<IpAddr>,
}

impl Asker {
    /// A gateway by its address, a server by its key, or anyone where everybody may verify.
    pub(crate) async fn of(request: &HttpRequest, api: &Api) -> Result<Self, ApiError> {
        let trusted = &api.options.trusted_proxies;
        let client_ip = || forwarded_address(request, trusted);
        if is_trusted_peer(request, trusted) {
            return Ok(Self { caller: Caller::Gateway, is_trusted: true, client_ip: client_ip() });
        }
        let shown = request.headers().get(X_AUTHZ_SERVER_KEY).and_then(|value| value.to_str().ok());
        let is_server = match shown {
            Some(text) => api.server_keys.admit(text).await?,
            None => false,
        };
        let caller = if is_server { Caller::Server } else { Caller::Anyone };
        // Said before anything else is, so that whoever sets a gateway up learns of it.
        if !api.keys.may_verify(&caller) {
            if api.process.not_a_gateway.is_due(stopwatch()) {
                let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
                tracing::warn!(
                    peer = peer.map(tracing::field::display),
                    setting = "server.trusted_proxies",
                    shows_server_key = shown.is_some(),
                    "somebody asks /authorize who is no gateway: where it is yours, its address is missing in the setting"
                );
            }
            return Err(ApiError::NotAGateway);
        }
        Ok(Self { caller, is_trusted: is_server, client_ip: is_server.then(client_ip).flatten() })
    }
}
