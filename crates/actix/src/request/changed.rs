use actix_web::{HttpMessage as _, HttpRequest};
use keymint_domain::{KeyId, OwnerId};
use keymint_service::Caller;

use super::Call;
use super::caller::bearer_token;

/// What a request did to which key, and for whom, for the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    /// `user:` or `server:` with an id; `server` alone where the server key has none, since it was given at start.
    pub(super) actor: String,
    /// The key.
    pub(super) key_id: KeyId,
    /// Whose it is; `None` = that cannot be read.
    pub(super) owner: Option<OwnerId>,
}

impl Changed {
    /// Leaves a note at its request that `caller` made, edited, stopped or removed a key.
    pub(crate) fn note(call: &Call, caller: &Caller, key_id: &KeyId, owner: Option<&OwnerId>) {
        if call.api.options.access_log {
            let (actor, key_id) = (actor(call, caller), key_id.clone());
            call.http.extensions_mut().insert(Self { actor, key_id, owner: owner.cloned() });
        }
    }

    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }
}

fn actor(call: &Call, caller: &Caller) -> String {
    match caller {
        Caller::User(user) | Caller::KeyHolder { user, .. } => format!("user:{}", user.as_str()),
        Caller::Server => {
            let id = bearer_token(&call.http).and_then(|token| call.api.server_keys.id_of(token));
            id.map_or_else(|| "server".to_owned(), |id| format!("server:{}", id.as_str()))
        }
        // Neither of them changes keys.
        Caller::Gateway | Caller::Anyone => "nobody".to_owned(),
    }
}
