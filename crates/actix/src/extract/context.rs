use actix_web::HttpRequest;
use keymint_service::{Caller, Context, Source};

use crate::api::Api;
use crate::callers::{bearer_token, client_address};

/// Returns the caller with the source of the request, for a change.
pub(crate) fn context_of<'a>(http: &HttpRequest, api: &Api, caller: &'a Caller) -> Context<'a> {
    let server_key = match caller {
        Caller::Server => bearer_token(http).and_then(|token| api.server_keys.id_of(token)),
        _ => None,
    };
    Context::new(caller, Source { server_key, ..source_of(http, api) })
}

/// Returns the source of a request, without its server key.
pub(crate) fn source_of(http: &HttpRequest, api: &Api) -> Source {
    let request_id = api.process.request_ids.keep(http, api.keys.policy());
    Source {
        server_key: None,
        client: client_address(http, &api.options.trusted_proxies),
        request_id: request_id.to_str().ok().map(Box::from),
    }
}
