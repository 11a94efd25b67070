//! Examples of answers. Those of errors come from the errors themselves.

use serde_json::{Value, json};

pub(crate) const KEY: &str = "sk_hnSk-dZXdkWVpR2pmguW8F2Dq3yGw8MlQmCq-6mrH_A";
pub(crate) const KEY_ID: &str = "POg8FNIkEmHr9iOTDfYBYcuiwjlPQ2z0";
pub(crate) const USER_ID: &str = "gpV26HZyw7mRWHB8FUyCmnEPmYYSA4bF";
pub(crate) const NOW: &str = "2023-11-14T22:13:20.000Z";

/// Returns a key.
pub(crate) fn key() -> Value {
    json!({
        "id": KEY_ID, "configId": "default", "name": "first", "start": "sk_hnS", "referenceId": "ada", "prefix": "sk_",
        "refillInterval": null, "refillAmount": null, "lastRefillAt": null, "enabled": true, "rateLimitEnabled": true,
        "rateLimitTimeWindow": 86_400_000, "rateLimitMax": 10, "requestCount": 1, "remaining": 99, "lastRequest": NOW,
        "expiresAt": null, "createdAt": NOW, "updatedAt": NOW, "permissions": { "files": ["read"] }, "metadata": null
    })
}

/// Returns a key with other members.
pub(crate) fn key_with(members: &Value) -> Value {
    let mut key = key();
    if let (Some(key), Some(members)) = (key.as_object_mut(), members.as_object()) {
        key.extend(members.clone());
    }
    key
}

/// Returns a revoked key.
pub(crate) fn revoked_key() -> Value {
    key_with(&json!({ "enabled": false, "revokedAt": NOW, "revokedBy": "server" }))
}

/// Returns a user.
pub(crate) fn user() -> Value {
    json!({
        "name": "Ada", "email": "ada@example.com", "emailVerified": false, "image": null, "createdAt": NOW,
        "updatedAt": NOW, "id": USER_ID
    })
}
