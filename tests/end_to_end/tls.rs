//! The server over TLS, from its configuration to the wire.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::authority::Authority;
use crate::process::Place;

fn place() -> Place {
    Place::new()
        .with("KEYMINT__SERVER__TLS__CERTIFICATE", "certificate.pem")
        .with("KEYMINT__SERVER__TLS__KEY", "key.pem")
        .with("KEYMINT__SERVER__BASE_URL", "https://keys.example.com")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_certificate_speaks_tls_alone() {
    let (place, authority) = (place(), Authority::new());
    authority.issue(place.path());
    assert!(place.run(&["config", "check"]).status.success());
    let server = place.serve().asked_by(authority.client().build().unwrap());
    let key = server.create(json!({ "userId": "ada" })).await;
    assert!(server.is_valid(&key).await);

    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "correct horse" });
    let sign_up = authority.client().build().unwrap().post(server.base("sign-up/email")).json(&body);
    let response = sign_up.send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Secure-better-auth.session_token=") && cookie.contains("; Secure"), "{cookie}");

    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // An alert, or a reset.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    assert!(server.is_valid(&key).await);
    server.terminate();
    let (success, _, log) = server.finish();
    assert!(success && !log.contains("ERROR") && !log.contains("WARN"), "{log}");
}

#[test]
fn a_key_that_everybody_may_read_is_warned_of() {
    let place = place();
    Authority::new().issue(place.path());
    fs::set_permissions(place.path().join("key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    let check = place.run(&["config", "check"]);
    let stderr = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success() && stderr.contains("WARN") && stderr.contains("key.pem"), "{stderr}");
}

#[test]
fn files_that_are_missing_or_wrong_stop_the_start_and_are_named() {
    let place = place();
    let complaint = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for arguments in [&[][..], &["config", "check"]] {
        let stderr = complaint(arguments);
        for problem in ["server.tls.certificate: certificate.pem: cannot be read", "server.tls.key: key.pem: cannot be"]
        {
            assert!(stderr.contains(problem), "{stderr}");
        }
    }
    Authority::new().issue(place.path());
    fs::write(place.path().join("key.pem"), "-----BEGIN PRIVATE KEY-----\naHVzaA==\n-----END PRIVATE KEY-----\n")
        .unwrap();
    for arguments in [&[][..], &["config", "check"]] {
        let stderr = complaint(arguments);
        assert!(stderr.contains("server.tls.key: key.pem: must hold a private key as PEM"), "{stderr}");
        assert!(!stderr.contains("aHVzaA"), "{stderr}");
    }
    assert!(!place.path().join("keymint.db").exists());
    // Commands on the database need no certificate.
    assert!(place.run(&["migrate"]).status.success());
}
