//! Bodies as they may look; what errors look like they say themselves.

use serde_json::{Value, json};

pub(super) const KEY: &str = "sk_hnSk-dZXdkWVpR2pmguW8F2Dq3yGw8MlQmCq-6mrH_A";
pub(super) const KEY_ID: &str = "POg8FNIkEmHr9iOTDfYBYcuiwjlPQ2z0";
pub(super) const USER_ID: &str = "gpV26HZyw7mRWHB8FUyCmnEPmYYSA4bF";
const NOW: &str = "2023-11-14T22:13:20.000Z";
const TOKEN: &str = "A1MqbIvwBj1ynxAv2KgHQbpHG2mCossa";

/// A key.
pub(super) fn key() -> Value {
    json!({
        "id": KEY_ID, "configId": "default", "name": "first", "start": "sk_hnS", "referenceId": "ada", "prefix": "sk_",
        "refillInterval": null, "refillAmount": null, "lastRefillAt": null, "enabled": true, "rateLimitEnabled": true,
        "rateLimitTimeWindow": 86_400_000, "rateLimitMax": 10, "requestCount": 1, "remaining": 99, "lastRequest": NOW,
        "expiresAt": null, "createdAt": NOW, "updatedAt": NOW, "permissions": { "files": ["read"] }, "metadata": null
    })
}

/// A key with other members.
pub(super) fn key_with(members: &Value) -> Value {
    let mut key = key();
    if let (Some(key), Some(members)) = (key.as_object_mut(), members.as_object()) {
        key.extend(members.clone());
    }
    key
}

/// A revoked key.
pub(super) fn revoked_key() -> Value {
    key_with(&json!({ "enabled": false, "revokedAt": NOW, "revokedBy": "server" }))
}

/// A user.
pub(super) fn user() -> Value {
    json!({
        "name": "Ada", "email": "ada@example.com", "emailVerified": false, "image": null, "createdAt": NOW,
        "updatedAt": NOW, "id": USER_ID
    })
}

/// What sign-up answers.
pub(super) fn signed_up() -> Value {
    json!({ "token": TOKEN, "user": user() })
}

/// What sign-in answers.
pub(super) fn signed_in() -> Value {
    json!({ "redirect": false, "token": TOKEN, "user": user() })
}

/// A session with its user.
pub(super) fn session() -> Value {
    json!({
        "session": {
            "expiresAt": "2023-11-21T22:13:20.000Z", "token": TOKEN, "createdAt": NOW, "updatedAt": NOW,
            "ipAddress": "127.0.0.1", "userAgent": "", "userId": USER_ID, "id": "NqlhhdQw9wyu8uTuhKAAA3lDRYrwQ0SV"
        },
        "user": user()
    })
}
