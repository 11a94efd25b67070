//! Bodies: the first byte picks the endpoint, the second who asks and by which media type, the rest is the body.

#![no_main]

use actix_web::test::TestRequest;
use keymint_fuzz::{SERVER_KEY, ask, pick};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const ENDPOINTS: [&str; 9] = [
    "api-key/create",
    "api-key/update",
    "api-key/verify",
    "api-key/validate",
    "api-key/revoke",
    "api-key/delete",
    "api-key/delete-all-expired-api-keys",
    "sign-out",
    "get-session",
];

fuzz_target!(|data: &[u8]| {
    let Some((endpoint, rest)) = pick(&ENDPOINTS, data) else { return };
    let Some((is_server, body)) = pick(&[true, false], rest) else { return };
    let answer = ask(|key, token| {
        let bearer = if *is_server { SERVER_KEY } else { token };
        let request = TestRequest::post().uri(&format!("/api/auth/{endpoint}"));
        let request = request.insert_header(("authorization", format!("Bearer {bearer}")));
        // So that a body can name a key that is there.
        let body = String::from_utf8_lossy(body).replace("$KEY", key);
        request.insert_header(("content-type", "application/json")).set_payload(body)
    });
    serde_json::from_slice::<Value>(&answer).expect("every answer is JSON");
    // Signing up and in is as slow as passwords must be hashed: what reads their bodies is asked alone.
    if let Ok(body) = serde_json::from_slice::<Value>(body) {
        let _ = keymint_actix::endpoints::read_sign_up(Some(&body));
        let _ = keymint_actix::endpoints::read_sign_in(Some(&body));
    }
});
