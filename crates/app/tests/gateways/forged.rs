//! Clients that forge an identity, before an application that takes `X_Key_Owner` for `X-Key-Owner`.

use reqwest::Client;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Kind};
use crate::keymint;
use crate::wsgi::Wsgi;

/// Lines by which a client removes the identity, adds another beside it, or both. Names with two hyphens have three
/// spellings with an underscore.
const FORGED: [&str; 9] = [
    "X-Key-Owner: root\nX-Key-Permissions: *:*\n",
    "Connection: close, X-Key-Owner, X-Key-Permissions\n",
    "Connection: X-Key-Owner\nConnection: close, x-key-permissions\n",
    "X_Key_Owner: root\nX_Key_Permissions: *:*\n",
    "X-Key_Owner: root\nX_Key-Owner: root\nx_key-permissions: *:*\n",
    "X.Key.Owner: root\nX.Key-Permissions: *:*\n",
    "Connection: close, X-Key-Owner, X-Key-Permissions\nX_Key_Owner: root\nX_Key_Permissions: *:*\n",
    "Connection: Upgrade, X-Key-Owner\nUpgrade: h2c\nX_Key_Owner: root\nX.Key.Permissions: *:*\n",
    "Connection: X-Api-Key, X-Key-Header\nX_Key_Header: -\nX_Api_Key: forged\n",
];

behind_every_gateway!(nobody_is_forged);

/// The application takes no client for any user but the owner of its key.
async fn nobody_is_forged(kind: Kind) {
    let (keymint, application) = (keymint::start(), Wsgi::start());
    let gateway = Gateway::start(kind, keymint.address, application.address).await;
    let key = json!({ "userId": "ada", "permissions": { "files": ["read"] }, "rateLimitEnabled": false });
    let key = keymint.create_text(key).await;
    let mut passed = 0;
    for forged in FORGED {
        let request = Client::new().get(format!("http://{}/api/files", gateway.address)).header("x-api-key", &key);
        let lines = forged.lines().filter_map(|line| line.split_once(": "));
        let request = lines.fold(request, |request, (name, value)| request.header(name, value));
        let response = request.send().await.unwrap();
        // A gateway may refuse such a request; it must not believe it.
        if response.status() != 200 {
            assert!(response.status().is_client_error(), "{forged} {}", response.status());
            continue;
        }
        passed += 1;
        let seen: Value = response.json().await.unwrap();
        assert_eq!(seen["HTTP_X_KEY_OWNER"], json!(["ada"]), "{forged} {seen}");
        assert_eq!(seen["HTTP_X_KEY_PERMISSIONS"], json!(["files:read"]), "{forged} {seen}");
        assert!(!seen.to_string().contains(&key) && !seen.to_string().contains("forged"), "{forged} {seen}");
    }
    assert!(passed >= FORGED.len() - 1, "{passed} passed");
}
