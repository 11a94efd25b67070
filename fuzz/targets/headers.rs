//! Heads: the first byte picks the endpoint, each line of the rest is a header. `$KEY` stands for a key that is there,
//! `$TOKEN` for the token of somebody who is signed in.

#![no_main]

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use keymint_fuzz::{ask, pick};
use libfuzzer_sys::fuzz_target;

const ENDPOINTS: [(&str, bool); 6] = [
    ("/authorize", false),
    ("/authorize/a/b", true),
    ("/api/auth/get-session", false),
    ("/api/auth/api-key/list", false),
    ("/api/auth/api-key/create", true),
    ("/api/auth/sign-out", true),
];

fuzz_target!(|data: &[u8]| {
    let Some(((path, is_post), rest)) = pick(&ENDPOINTS, data) else { return };
    ask(|key, token| {
        let request = if *is_post { TestRequest::post() } else { TestRequest::get() };
        let lines = rest.split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let value = replaced(&replaced(line[colon + 1..].trim_ascii(), b"$KEY", key), b"$TOKEN", token);
            Some((HeaderName::from_bytes(&line[..colon]).ok()?, HeaderValue::from_bytes(&value).ok()?))
        });
        lines.fold(request.uri(path), TestRequest::append_header)
    });
});

fn replaced(text: &[u8], name: &[u8], value: &str) -> Vec<u8> {
    match text.windows(name.len()).position(|window| window == name) {
        Some(at) => [&text[..at], value.as_bytes(), &text[at + name.len()..]].concat(),
        None => text.to_vec(),
    }
}
