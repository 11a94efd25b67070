//! The places in which requests show their keys.

use std::sync::Arc;

use keymint_guard::KeyCheck;
use keymint_store_memory::MemoryStore;

use crate::frameworks::Framework;
use crate::support::{QUOTA, app, get, left, mint, refusal, service, status};

const MISSING: (u16, &str, &str) = (401, "MISSING_API_KEY", "");

fn is(found: &(u16, String, String), expected: (u16, &str, &str)) {
    assert_eq!((found.0, found.1.as_str(), found.2.as_str()), expected);
}

pub async fn a_key_is_shown_in_a_header_or_as_a_bearer_token_and_not_in_the_query<F: Framework>() {
    let keys = service(MemoryStore::default());
    let (id, key) = mint(&keys, |_| ()).await;
    let address = app::<F>(KeyCheck::embedded(Arc::clone(&keys)));
    let (plain, bearer) = (key.expose(), format!("bEaReR  {}", key.expose()));
    assert_eq!(get(address, "/bare", &[("X-Api-Key", plain)]).await.status(), 200);
    assert_eq!(get(address, "/bare", &[("authorization", &bearer)]).await.status(), 200);
    assert_eq!(get(address, "/bare", &[("authorization", &bearer), ("x-api-key", plain)]).await.status(), 200);
    assert_eq!(left(&keys, &id).await, QUOTA - 3);
    for query in ["key", "api_key", "apikey", "x-api-key", "access_token"] {
        is(&refusal(address, &format!("/bare?{query}={plain}"), &[]).await, MISSING);
    }
    for nothing in [("x-api-key", ""), ("authorization", "Bearer"), ("x-key", plain), ("authorization", plain)] {
        is(&refusal(address, "/bare", &[nothing]).await, MISSING);
    }
}

pub async fn a_user_name_is_a_key_where_the_application_says_so<F: Framework>() {
    let keys = service(MemoryStore::default());
    // The user name of `curl -u k:`, and of `curl -u k:secret`.
    let lines = [("authorization", "Basic azo="), ("authorization", "Basic azpzZWNyZXQ=")];
    let address = app::<F>(KeyCheck::embedded(Arc::clone(&keys)));
    for line in lines {
        is(&refusal(address, "/bare", &[line]).await, MISSING);
    }
    let address = app::<F>(KeyCheck::embedded(Arc::clone(&keys)).with_basic());
    for line in lines {
        is(&refusal(address, "/bare", &[line]).await, (401, "INVALID_API_KEY", ""));
    }
    let (_, key) = mint(&keys, |_| ()).await;
    let client = reqwest::Client::new();
    for guarded in ["bare", "report"] {
        let request = client.get(format!("http://{address}/{guarded}")).basic_auth(key.expose(), None::<&str>);
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let refused = get(address, "/bare", &[]).await;
    let challenges = refused.headers().get_all("www-authenticate").iter().collect::<Vec<_>>();
    assert_eq!(challenges, [r#"Bearer realm="keymint""#, r#"Basic realm="keymint", charset="UTF-8""#]);
}

pub async fn the_application_says_which_headers_show_keys<F: Framework>() {
    let keys = service(MemoryStore::default());
    let (_, key) = mint(&keys, |_| ()).await;
    let address = app::<F>(KeyCheck::embedded(keys).headers(["X-Token"]).without_bearer());
    assert_eq!(get(address, "/bare", &[("x-token", key.expose())]).await.status(), 200);
    assert_eq!(status(address, "/bare", &key).await, 401);
    let bearer = format!("Bearer {}", key.expose());
    let refused = get(address, "/bare", &[("authorization", &bearer)]).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["www-authenticate"]),
        (401, &r#"ApiKey realm="keymint""#.parse().unwrap())
    );
    let with_own_token = [("authorization", "Bearer own"), ("x-token", key.expose())];
    assert_eq!(get(address, "/bare", &with_own_token).await.status(), 200);
}

pub async fn two_different_keys_are_none<F: Framework>() {
    let keys = service(MemoryStore::default());
    let ((id, key), (other_id, other)) = (mint(&keys, |_| ()).await, mint(&keys, |_| ()).await);
    let address = app::<F>(KeyCheck::embedded(Arc::clone(&keys)));
    let bearer = format!("Bearer {}", other.expose());
    for second in [("x-api-key", other.expose()), ("authorization", &bearer)] {
        for path in ["/bare", "/report", "/open"] {
            let found = refusal(address, path, &[("x-api-key", key.expose()), second]).await;
            is(&found, (401, "DIFFERENT_API_KEYS", ""));
        }
    }
    assert_eq!((left(&keys, &id).await, left(&keys, &other_id).await), (QUOTA, QUOTA));
}
