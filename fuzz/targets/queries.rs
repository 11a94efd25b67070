//! Queries and paths: the first byte picks the endpoint, the rest stands behind it.

#![no_main]

use actix_web::http::Uri;
use actix_web::test::TestRequest;
use keymint_fuzz::{SERVER_KEY, ask, pick};
use libfuzzer_sys::fuzz_target;

const ENDPOINTS: [&str; 6] =
    ["/authorize?", "/authorize/", "/api/auth/api-key/list?", "/api/auth/api-key/get?", "/api/auth/get-session?", "/"];

fuzz_target!(|data: &[u8]| {
    let Some((endpoint, rest)) = pick(&ENDPOINTS, data) else { return };
    let uri = format!("{endpoint}{}", String::from_utf8_lossy(rest));
    // What the HTTP parser refuses reaches nobody.
    if uri.parse::<Uri>().is_err() {
        return;
    }
    ask(|key, _| {
        let request = TestRequest::get().uri(&uri).insert_header(("x-api-key", key.to_owned()));
        request.insert_header(("authorization", format!("Bearer {SERVER_KEY}")))
    });
});
