//! Create, get, list, update and delete, for a server key and for nobody.

use std::num::NonZeroU32;

use keymint_domain::{ConfigId, Configuration, Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer, assert_error};

fn metadata_policy() -> Setup {
    let configuration = Configuration { enable_metadata: true, ..Configuration::default() };
    Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() }
}

fn member_order(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_page_of_large_keys_is_shorter_than_asked_for_and_says_so() {
    let server = TestServer::with(metadata_policy());
    // Eighteen of them are more than fill a page of 4 MiB.
    let metadata = json!({ "note": "x".repeat(250_000) });
    for _ in 0..18 {
        server.create(json!({ "userId": "ada", "metadata": metadata })).await;
    }
    let (mut offset, mut sizes) = (0, Vec::new());
    loop {
        let (_, page) = server.get(&format!("list?limit=1000&offset={offset}")).await;
        let shown = page["apiKeys"].as_array().unwrap().len();
        assert_eq!(page["total"], 18);
        (offset, sizes) = (offset + shown, [sizes, vec![shown]].concat());
        if page.get("truncated").is_none() {
            break;
        }
        assert_eq!(page["truncated"], true);
    }
    assert_eq!(sizes, [17, 1]);
    assert!(server.get("list?limit=2").await.1.get("truncated").is_none(), "it is as long as it was asked to be");
}

#[tokio::test]
async fn a_new_key_has_better_auths_members_and_defaults() {
    let server = TestServer::new();
    let created = server.create(json!({ "userId": "ada", "name": "first", "unknown": 1 })).await;
    let (id, key) = (created["id"].as_str().unwrap(), created["key"].as_str().unwrap());
    assert_eq!((id.len(), key.len()), (32, 43));
    let expected = json!({
        "id": id, "configId": "default", "name": "first", "start": &key[..6], "referenceId": "ada", "prefix": null,
        "refillInterval": null, "refillAmount": null, "lastRefillAt": null, "enabled": true, "rateLimitEnabled": true,
        "rateLimitTimeWindow": 86_400_000, "rateLimitMax": 10, "requestCount": 0, "remaining": null,
        "lastRequest": null, "expiresAt": null, "createdAt": "2023-11-14T22:13:20.000Z",
        "updatedAt": "2023-11-14T22:13:20.000Z", "permissions": null, "metadata": null, "key": key,
    });
    assert_eq!(created, expected);
    assert_eq!(member_order(&created), member_order(&expected));

    let (status, got) = server.get(&format!("get?id={id}")).await;
    let mut without_secret = expected;
    without_secret.as_object_mut().unwrap().remove("key");
    without_secret["createdBy"] = json!("server");
    assert_eq!((status.as_u16(), got), (200, without_secret.clone()));
    let (_, listed) = server.get("list").await;
    assert_eq!(listed, json!({ "apiKeys": [without_secret], "total": 1 }));
}

#[tokio::test]
async fn every_member_of_a_server_create_is_kept() {
    let server = TestServer::with(metadata_policy());
    let created = server
        .create(json!({
            "userId": 7, "name": "n\u{1F511}", "prefix": "sk-live_", "expiresIn": 86_400.5, "remaining": 5,
            "refillAmount": 9, "refillInterval": 1000, "rateLimitEnabled": false, "rateLimitMax": 3,
            "rateLimitTimeWindow": 60_000, "permissions": {"z": ["b", "a"], "a": []}, "metadata": {"z": 1.50, "a": [null]},
        }))
        .await;
    for (member, value) in [
        ("referenceId", json!("7")),
        ("name", json!("n\u{1F511}")),
        ("prefix", json!("sk-live_")),
        ("start", json!("sk-liv")),
        ("expiresAt", json!("2023-11-15T22:13:20.500Z")),
        ("remaining", json!(5)),
        ("refillAmount", json!(9)),
        ("refillInterval", json!(1000)),
        ("rateLimitEnabled", json!(false)),
        ("rateLimitMax", json!(3)),
        ("rateLimitTimeWindow", json!(60_000)),
        ("permissions", json!({"z": ["b", "a"], "a": []})),
        ("metadata", json!({"z": 1.50, "a": [null]})),
    ] {
        assert_eq!(created[member], value, "{member}");
    }
    assert_eq!(member_order(&created["permissions"]), ["z", "a"], "members keep the order in which they came");
    assert!(created["key"].as_str().unwrap().starts_with("sk-live_"));
}

#[tokio::test]
async fn bad_members_of_a_create_are_named_and_nothing_is_stored() {
    let server = TestServer::new();
    let long = "n".repeat(33);
    for (body, code, message) in [
        (json!({ "name": 5 }), "VALIDATION_ERROR", "[body.name] Invalid input: expected string, received number"),
        (
            json!({ "userId": "ada", "name": "a\u{0}b" }),
            "VALIDATION_ERROR",
            "[body.name] Invalid string: must not contain U+0000",
        ),
        (
            json!({ "userId": "ada", "name": "a\u{202e}b" }),
            "VALIDATION_ERROR",
            "[body.name] Invalid string: must not contain U+202E, which is not seen",
        ),
        (json!({}), "USER_ID_REQUIRED", "userId is required where a server creates a user's key."),
        (json!({ "userId": "" }), "VALIDATION_ERROR", "[body.userId] Invalid string: must have 1 or more characters"),
        (
            json!({ "userId": "ada", "prefix": "no spaces" }),
            "VALIDATION_ERROR",
            "[body.prefix] Invalid prefix format, must be alphanumeric and contain only underscores and hyphens.",
        ),
        (
            json!({ "userId": "ada", "expiresIn": 0 }),
            "VALIDATION_ERROR",
            "[body.expiresIn] Too small: expected number to be >=1",
        ),
        (
            json!({ "userId": "ada", "remaining": -1 }),
            "VALIDATION_ERROR",
            "[body.remaining] Too small: expected number to be >=0",
        ),
        (
            json!({ "userId": "ada", "remaining": 2_147_483_648_u64 }),
            "VALIDATION_ERROR",
            "[body.remaining] Too big: expected number to be <=2147483647",
        ),
        (
            json!({ "userId": "ada", "refillAmount": 1.5, "refillInterval": 1 }),
            "VALIDATION_ERROR",
            "[body.refillAmount] Invalid input: expected int, received number",
        ),
        (
            json!({ "userId": "ada", "rateLimitMax": 1e308 }),
            "VALIDATION_ERROR",
            "[body.rateLimitMax] Too big: expected int to be <=9007199254740991",
        ),
        (
            json!({ "userId": "ada", "permissions": "read" }),
            "VALIDATION_ERROR",
            "[body.permissions] Invalid input: expected record, received string",
        ),
        (
            json!({ "userId": "ada", "permissions": null }),
            "VALIDATION_ERROR",
            "[body.permissions] Invalid input: expected record, received null",
        ),
        (
            json!({ "userId": "ada", "configId": "a\u{0}" }),
            "VALIDATION_ERROR",
            "[body.configId] Invalid string: must not contain U+0000",
        ),
        (json!({ "userId": "ada", "metadata": {} }), "METADATA_DISABLED", "Metadata is disabled."),
        (
            json!({ "userId": "ada", "refillAmount": 1 }),
            "REFILL_AMOUNT_AND_INTERVAL_REQUIRED",
            "refillAmount is required when refillInterval is provided",
        ),
        (
            json!({ "userId": "ada", "refillInterval": 1 }),
            "REFILL_INTERVAL_AND_AMOUNT_REQUIRED",
            "refillInterval is required when refillAmount is provided",
        ),
        (
            json!({ "userId": "ada", "expiresIn": 86_399 }),
            "EXPIRES_IN_IS_TOO_SMALL",
            "The expiresIn is smaller than the predefined minimum value.",
        ),
        (
            json!({ "userId": "ada", "expiresIn": 1e308 }),
            "EXPIRES_IN_IS_TOO_LARGE",
            "The expiresIn is larger than the predefined maximum value.",
        ),
        (
            json!({ "userId": "ada", "prefix": long }),
            "INVALID_PREFIX_LENGTH",
            "The prefix length is either too large or too small.",
        ),
        (
            json!({ "userId": "ada", "name": long }),
            "INVALID_NAME_LENGTH",
            "The name length is either too large or too small.",
        ),
    ] {
        assert_error(&server.post("create", body).await, 400, code, message);
    }
    assert_eq!(server.get("list").await.1["total"], 0);
}

#[tokio::test]
async fn falsy_metadata_is_no_metadata() {
    let server = TestServer::new();
    for metadata in [json!(null), json!(""), json!(0), json!(false)] {
        assert_eq!(server.create(json!({ "userId": "ada", "metadata": metadata })).await["metadata"], Value::Null);
    }
    let server = TestServer::with(metadata_policy());
    let wrong = server.post("create", json!({ "userId": "ada", "metadata": "text" })).await;
    assert_error(&wrong, 400, "INVALID_METADATA_TYPE", "metadata must be an object or undefined");
}

#[tokio::test]
async fn an_unknown_configuration_means_the_default_one_but_lists_nothing() {
    let server = TestServer::new();
    let created = server.create(json!({ "userId": "ada", "configId": "nobody" })).await;
    assert_eq!(created["configId"], "default");
    assert_eq!(server.get("list?configId=nobody").await.1["total"], 0);
    assert_eq!(server.get("list?configId=").await.1["total"], 1);

    let only = Configuration::new(ConfigId::parse("eu").unwrap());
    let server = TestServer::with(Setup { policy: Policy::new(vec![only]).unwrap(), ..Setup::default() });
    let refused = server.post("create", json!({ "userId": "ada" })).await;
    assert_error(&refused, 400, "NO_DEFAULT_API_KEY_CONFIGURATION_FOUND", "No default api-key configuration found.");
}

#[tokio::test]
async fn an_owner_with_too_many_keys_gets_no_more() {
    let configuration = Configuration { max_keys_per_user: NonZeroU32::new(1), ..Configuration::default() };
    let server = TestServer::with(Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() });
    server.create(json!({ "userId": "ada" })).await;
    let refused = server.post("create", json!({ "userId": "ada" })).await;
    assert_error(&refused, 403, "MAX_KEYS_REACHED", "The owner has reached the maximum number of API keys.");
}

#[tokio::test]
async fn nobody_learns_and_changes_nothing() {
    let server = TestServer::new();
    let id = server.create(json!({ "userId": "ada" })).await["id"].as_str().unwrap().to_owned();
    let session = ("UNAUTHORIZED_SESSION", "Unauthorized or invalid session");
    let plain = ("UNAUTHORIZED", "Unauthorized");
    let server_only = (
        "SERVER_ONLY_PROPERTY",
        "The property you're trying to set can only be set from the server auth instance only.",
    );
    for (method, path, body, status, (code, message)) in [
        (Method::POST, "create".to_owned(), json!({}), 401, session),
        (Method::POST, "create".to_owned(), json!({ "userId": "ada" }), 401, session),
        (Method::POST, "create".to_owned(), json!({ "remaining": 5 }), 400, server_only),
        (Method::POST, "create".to_owned(), json!({ "remaining": null }), 401, session),
        (Method::POST, "update".to_owned(), json!({ "keyId": id, "remaining": 5 }), 401, session),
        (Method::POST, "delete".to_owned(), json!({ "keyId": id }), 401, plain),
        (Method::POST, "verify".to_owned(), json!({ "key": "k" }), 401, plain),
        (Method::POST, "delete-all-expired-api-keys".to_owned(), json!({}), 401, plain),
        (Method::GET, format!("get?id={id}"), json!({}), 401, plain),
        (Method::GET, "list".to_owned(), json!({}), 401, plain),
    ] {
        for credential in [None, Some("Bearer wrong"), Some("Basic YTpi"), Some("Bearer "), Some("nonsense")] {
            let mut request = server.anonymous(method.clone(), &path).json(&body);
            if let Some(credential) = credential {
                request = request.header("authorization", credential);
            }
            let found = answer(request.send().await.unwrap()).await;
            assert_error(&found, status, code, message);
        }
    }
    let malformed = server.anonymous(Method::POST, "create").json(&json!({ "name": 1 })).send().await.unwrap();
    assert_eq!(malformed.status(), 400, "a malformed request is told so before its credentials are looked at");
    assert_eq!(server.get("list").await.1["total"], 1);
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let server = TestServer::with(metadata_policy());
    let created = server.create(json!({ "userId": "ada", "remaining": 3 })).await;
    server.clock.advance(1000);
    let (status, updated) = server
        .post(
            "update",
            json!({
                "keyId": created["id"], "userId": "ada", "name": "new", "enabled": false, "expiresIn": 86_400,
                "remaining": 8, "refillAmount": 2, "refillInterval": 500, "rateLimitEnabled": false, "rateLimitMax": 1,
                "rateLimitTimeWindow": 2, "permissions": {"files": ["read"]}, "metadata": {"a": 1},
            }),
        )
        .await;
    assert_eq!(status, 200);
    let mut expected = created.clone();
    let members = expected.as_object_mut().unwrap();
    members.remove("key");
    for (member, value) in [
        ("name", json!("new")),
        ("enabled", json!(false)),
        ("expiresAt", json!("2023-11-15T22:13:21.000Z")),
        ("remaining", json!(8)),
        ("refillAmount", json!(2)),
        ("refillInterval", json!(500)),
        ("rateLimitEnabled", json!(false)),
        ("rateLimitMax", json!(1)),
        ("rateLimitTimeWindow", json!(2)),
        ("permissions", json!({"files": ["read"]})),
        ("metadata", json!({"a": 1})),
        ("updatedAt", json!("2023-11-14T22:13:21.000Z")),
    ] {
        members[member] = value;
    }
    assert_eq!(updated, expected);
    let clear = json!({ "keyId": created["id"], "expiresIn": null, "permissions": null, "metadata": null });
    let (_, cleared) = server.post("update", clear).await;
    assert_eq!(
        (&cleared["expiresAt"], &cleared["permissions"], &cleared["metadata"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_bad_update_changes_nothing() {
    let server = TestServer::new();
    let created = server.create(json!({ "userId": "ada" })).await;
    let id = &created["id"];
    for (body, status, code) in [
        (json!({ "name": "x" }), 400, "VALIDATION_ERROR"),
        (json!({ "keyId": id, "remaining": 0 }), 400, "VALIDATION_ERROR"),
        (json!({ "keyId": id, "rateLimitMax": null }), 400, "VALIDATION_ERROR"),
        (json!({ "keyId": id, "enabled": "yes" }), 400, "VALIDATION_ERROR"),
        (json!({ "keyId": id, "name": "" }), 400, "INVALID_NAME_LENGTH"),
        (json!({ "keyId": id, "expiresIn": 1 }), 400, "EXPIRES_IN_IS_TOO_SMALL"),
        (json!({ "keyId": id, "refillAmount": 1 }), 400, "REFILL_AMOUNT_AND_INTERVAL_REQUIRED"),
        (json!({ "keyId": id, "metadata": {"a": 1} }), 400, "NO_VALUES_TO_UPDATE"),
        (json!({ "keyId": id }), 400, "NO_VALUES_TO_UPDATE"),
        (json!({ "keyId": "nobody", "name": "x" }), 404, "KEY_NOT_FOUND"),
        (json!({ "keyId": id, "userId": "bob", "name": "x" }), 404, "KEY_NOT_FOUND"),
        (json!({ "keyId": id, "configId": "default", "userId": null, "name": "x" }), 404, "KEY_NOT_FOUND"),
    ] {
        let (found, answer) = server.post("update", body.clone()).await;
        assert_eq!((found.as_u16(), answer["code"].as_str().unwrap()), (status, code), "{body}");
    }
    let (_, mut unchanged) = server.get(&format!("get?id={}", id.as_str().unwrap())).await;
    unchanged["key"] = created["key"].clone();
    unchanged.as_object_mut().unwrap().remove("createdBy");
    assert_eq!(unchanged, created);
}

#[tokio::test]
async fn a_deleted_key_is_gone() {
    let server = TestServer::new();
    let created = server.create(json!({ "userId": "ada" })).await;
    let body = json!({ "keyId": created["id"] });
    assert_eq!(server.post("delete", body.clone()).await.1, json!({ "success": true }));
    assert_error(&server.post("delete", body).await, 404, "KEY_NOT_FOUND", "API Key not found");
    assert_eq!(server.verify(&created).await["error"]["code"], "INVALID_API_KEY");
    let missing = server.post("delete", json!({})).await;
    let text = "[body.keyId] Invalid input: expected string, received undefined";
    assert_error(&missing, 400, "VALIDATION_ERROR", text);
}

#[tokio::test]
async fn expired_keys_are_deleted_all_at_once() {
    let server = TestServer::new();
    let short = server.create(json!({ "userId": "ada", "expiresIn": 86_400 })).await;
    server.create(json!({ "userId": "ada" })).await;
    server.clock.advance(86_400_001);
    assert_eq!(server.verify(&short).await["error"]["code"], "KEY_EXPIRED");
    let (status, done) = server.post("delete-all-expired-api-keys", json!({})).await;
    assert_eq!((status.as_u16(), done), (200, json!({ "success": true, "error": null })));
    assert_eq!(server.get("list").await.1["total"], 1);
}

#[tokio::test]
async fn lists_are_paged_sorted_and_filtered() {
    let server = TestServer::new();
    for (user, name) in [("ada", "b"), ("bob", "c"), ("ada", "a")] {
        server.create(json!({ "userId": user, "name": name })).await;
        server.clock.advance(1);
    }
    let names = async |query: &str| {
        let (_, page) = server.get(&format!("list{query}")).await;
        let names: Vec<_> = page["apiKeys"].as_array().unwrap().iter().map(|key| key["name"].clone()).collect();
        (json!(names), page["total"].clone(), page.get("limit").cloned(), page.get("offset").cloned())
    };
    assert_eq!(names("").await, (json!(["b", "c", "a"]), json!(3), None, None));
    assert_eq!(names("?userId=ada").await, (json!(["b", "a"]), json!(2), None, None));
    assert_eq!(names("?sortBy=name&limit=2").await, (json!(["a", "b"]), json!(3), Some(json!(2)), None));
    let last = names("?sortBy=name&sortDirection=desc&limit=2&offset=2").await;
    assert_eq!(last, (json!(["a"]), json!(3), Some(json!(2)), Some(json!(2))));
    assert_eq!(names("?limit=").await.0, json!([]));
    assert_eq!(names("?offset=9007199254740991").await.0, json!([]));
    assert_eq!(names("?organizationId=").await, (json!([]), json!(0), None, None));
    assert_eq!(names("?organizationId=acme").await, (json!([]), json!(0), None, None));
}

#[tokio::test]
async fn bad_queries_are_named() {
    let server = TestServer::new();
    for (query, message) in [
        ("get", "[query.id] Invalid input: expected string, received undefined"),
        ("get?id=a&id=b", "[query.id] Invalid input: expected string, received array"),
        ("get?id=%00", "[query.id] Invalid string: must not contain U+0000"),
        ("list?limit=x", "[query.limit] Invalid input: expected number, received NaN"),
        ("list?limit=1&limit=2", "[query.limit] Invalid input: expected number, received NaN"),
        ("list?limit=1.5", "[query.limit] Invalid input: expected int, received number"),
        (
            "list?limit=-1&offset=-1",
            "[query.limit] Too small: expected number to be >=0; [query.offset] Too small: expected number to be >=0",
        ),
        ("list?limit=1001", "[query.limit] Too big: expected number to be <=1000"),
        ("list?limit=9007199254740993", "[query.limit] Too big: expected int to be <=9007199254740991"),
        ("list?limit=1e400", "[query.limit] Invalid input: expected number, received Infinity"),
        ("list?sortDirection=up", "[query.sortDirection] Invalid option: expected one of \"asc\"|\"desc\""),
    ] {
        assert_error(&server.get(query).await, 400, "VALIDATION_ERROR", message);
    }
    let (status, body) = server.get("list?sortBy=key").await;
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().starts_with("[query.sortBy] Invalid option: expected one of \"id\"|"));
    assert_error(&server.get("get?id=nobody").await, 404, "KEY_NOT_FOUND", "API Key not found");
}
