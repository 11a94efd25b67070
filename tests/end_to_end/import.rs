//! Keys that were made elsewhere come in, are used, and go out again.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use futures_util::future::join_all;
use keymint_test_support::{debian, markdown};
use serde_json::{Value, json};

use crate::process::{Place, places};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/import.md"));

/// Returns the SHA-256 of a text by openssl, in hex.
fn sha256(text: &str) -> String {
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-r"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let output = fed(openssl, text);
    String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().to_owned()
}

fn fed(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Imports a file, which must fail, and returns what is printed to the standard error.
fn refused(place: &Place, file: &str, content: &str, arguments: &[&str]) -> String {
    std::fs::write(place.path().join(file), content).unwrap();
    let output = place.run(&[&["import", file], arguments].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_imported_by_hashes_of_another_program_beside_a_running_server() {
    for place in places().await {
        let server = place.serve();
        let mut file = "referenceId,hash,remaining\n".to_owned();
        for number in 0..1200 {
            let hash = if number < 3 { sha256(&format!("old-{number}")) } else { format!("{number:064x}") };
            writeln!(file, "ada,{hash},7").unwrap();
        }
        std::fs::write(place.path().join("keys.csv"), &file).unwrap();
        let import = ["import", "keys.csv", "--hash", "sha256", "--json"];
        let dry = place.json(&[&import[..], &["--dry-run"]].concat());
        assert_eq!(dry, json!({ "dryRun": true, "added": 1200, "present": 0 }));
        assert!(!server.is_valid(&json!({ "key": "old-1" })).await, "a dry run imports nothing");
        assert_eq!(place.json(&import), json!({ "dryRun": false, "added": 1200, "present": 0 }));
        assert!(server.is_valid(&json!({ "key": "old-1" })).await);
        assert!(!server.is_valid(&json!({ "key": sha256("old-1") })).await, "its hash is no key");
        assert_eq!(place.json(&import), json!({ "dryRun": false, "added": 0, "present": 1200 }));
        let verdict = place.json(&["key", "verify", "old-1", "--json"]);
        assert_eq!(verdict["key"]["remaining"], 5, "a repeated import gives no use back");
        assert_eq!(place.json(&["key", "list", "--json", "--limit", "1"])["total"], 1200);
    }
}

/// Returns what a program prints that reads a text from its standard input, or takes it as its last argument.
fn printed(command: &mut Command, input: Option<&str>) -> String {
    command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn openssl(arguments: &[&str], text: &str) -> String {
    let mut openssl = Command::new("openssl");
    let printed = printed(openssl.arg("dgst").args(arguments).arg("-r"), Some(text));
    printed.split_whitespace().next().unwrap().to_owned()
}

/// Returns the text of a key with this kind of hash, and its hash by another program.
fn foreign(kind: &str) -> (String, String) {
    let text = format!("old-{kind}-key");
    let hash = match kind {
        "sha512" => openssl(&["-sha512"], &text),
        "hmac-sha256" => openssl(&["-sha256", "-hmac", "a pepper"], &text),
        "bcrypt" => {
            let htpasswd = debian::program("htpasswd", "apache2-utils");
            let line = printed(Command::new(htpasswd).args(["-nbBC", "5", "x", &text]), None);
            line.split_once(':').unwrap().1.to_owned()
        }
        "argon2id" => {
            let argon2 = debian::program("argon2", "argon2");
            let arguments = ["some-salt", "-id", "-t", "2", "-k", "4096", "-p", "2", "-e"];
            printed(Command::new(argon2).args(arguments), Some(&text))
        }
        _ => {
            let script = "import base64, hashlib, sys
b64 = lambda data: base64.b64encode(data).decode().rstrip('=')
digest = hashlib.scrypt(sys.stdin.buffer.read(), salt=b'some-salt', n=4096, r=8, p=2, dklen=32)
print(f'$scrypt$ln=12,r=8,p=2${b64(b\"some-salt\")}${b64(digest)}')";
            printed(Command::new("python3").args(["-c", script]), Some(&text))
        }
    };
    (text, hash)
}

const FAST: [&str; 2] = ["sha512", "hmac-sha256"];

/// Imports a key with each of these kinds of hashes beside a running server, and uses it there.
async fn import_and_use(kinds: &[&str]) {
    for place in places().await {
        let place = place.with("OLD_PEPPER", "a pepper");
        std::fs::write(place.path().join("keymint.toml"), "[import]\npeppers = [\"OLD_PEPPER\"]\n").unwrap();
        let server = place.serve();
        let keys: Vec<_> = kinds.iter().map(|kind| foreign(kind)).collect();
        let lines = kinds.iter().zip(&keys).map(|(kind, (text, hash))| {
            let line = json!({ "id": kind, "referenceId": "ada", "hashKind": kind, "hash": hash, "start": &text[..5],
                "remaining": 3, "rateLimitEnabled": false });
            format!("{line}\n")
        });
        let lines: String = lines.collect();
        std::fs::write(place.path().join("keys.jsonl"), &lines).unwrap();
        let import = ["import", "keys.jsonl", "--pepper-env", "OLD_PEPPER", "--json"];
        assert_eq!(place.json(&import), json!({ "dryRun": false, "added": kinds.len(), "present": 0 }));
        let exported = String::from_utf8(place.run(&["export", "--with-hashes"]).stdout).unwrap();
        for (text, hash) in &keys {
            assert!(!server.is_valid(&json!({ "key": hash })).await, "its hash is no key");
            assert!(!server.is_valid(&json!({ "key": format!("{text}s") })).await);
            let uses = (0..5).map(|_| server.post("verify", json!({ "key": text })));
            let verdicts = join_all(uses).await;
            let accepted = verdicts.iter().filter(|(_, verdict)| verdict["valid"] == true).count();
            assert_eq!(accepted, 3, "{verdicts:?}");
        }
        assert_eq!(place.json(&import), json!({ "dryRun": false, "added": 0, "present": kinds.len() }));
        assert!(!server.is_valid(&json!({ "key": keys[0].0 })).await, "a repeated import gives no use back");

        let other = Place::new().with("OLD_PEPPER", "a pepper");
        std::fs::copy(place.path().join("keymint.toml"), other.path().join("keymint.toml")).unwrap();
        std::fs::write(other.path().join("export.jsonl"), exported).unwrap();
        assert!(other.run(&["migrate"]).status.success());
        assert_eq!(other.json(&["import", "export.jsonl", "--json"])["added"], kinds.len());
        for (text, _) in &keys {
            let verdict = other.json(&["key", "verify", text, "--json"]);
            assert_eq!(verdict["key"]["remaining"], 2, "an export brings foreign hashes along");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_used_by_the_digests_of_other_programs_and_counted_exactly() {
    import_and_use(&FAST).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Debian's packages apache2-utils and argon2, and Python")]
async fn keys_are_used_by_the_slow_hashes_of_other_programs_and_counted_exactly() {
    import_and_use(&["bcrypt", "argon2id", "scrypt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_hashes_of_a_wrong_form_are_told_by_line_and_member() {
    let place = Place::new();
    assert!(place.run(&["migrate"]).status.success());
    let bcrypt = "$2b$12$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
    let costly = bcrypt.replace("$12$", "$20$");
    let mut lines = vec![
        format!("sha512,{},", sha256("a")),
        format!("hmac-sha256,{},", sha256("a")),
        format!("bcrypt,{},sk_a", &bcrypt[..50]),
        format!("bcrypt,{costly},sk_a"),
        format!("bcrypt,{bcrypt},"),
        format!("bcrypt,{bcrypt},sk"),
        format!("argon2id,{bcrypt},sk_a"),
        "argon2id,\"$argon2id$v=19$m=9999999,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw\",sk_a".to_owned(),
    ];
    lines.extend(["C", "G", "K", "O", "S"].map(|last| format!("bcrypt,{}{last},sk_b", &bcrypt[..59])));
    lines.push(format!("bcrypt,{}W,sk_bc", &bcrypt[..59]));
    let file = format!("hashKind,hash,start\n{}\n", lines.join("\n"));
    let said = refused(&place, "bad.csv", &file, &["--owner", "ada"]);
    for line in [
        "line 2: hash: is not sha512 of 64 bytes in hex, base64 or base64url",
        "line 3: hash: needs a pepper",
        "line 4: hash: is not bcrypt in the form $2b$COST$",
        "line 5: hash: would take more than a server spends on one verification: cost 14 at most",
        "line 6: start: a key with a slow hash is found by its first characters: 4 to 64 of them",
        "line 7: start: ",
        "line 8: hash: is not argon2id in the form $argon2id$",
        "line 9: hash: would take more than a server spends",
        "line 14: start: 4 keys with slow hashes begin so",
        "line 15: start: keys with slow hashes are found by their first 4 characters",
        "error: 10 lines are bad, and nothing was imported",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains(&bcrypt[8..20]), "a hash is not repeated: {said}");
    let said = refused(&place, "keys.csv", "hash\n", &["--hash", "hmac-sha256", "--pepper-env", "OLD_PEPPER"]);
    assert!(said.contains("import.peppers does not name OLD_PEPPER"), "{said}");
    std::fs::write(place.path().join("keymint.toml"), "[import]\npeppers = [\"OLD_PEPPER\"]\n").unwrap();
    let said = refused(&place, "keys.csv", "hash\n", &["--hash", "hmac-sha256", "--pepper-env", "OLD_PEPPER"]);
    assert!(said.contains("names the environment variable OLD_PEPPER, which is not set"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_pepper_that_keys_need_says_so_when_it_starts() {
    let place = Place::new().with("OLD_PEPPER", "a pepper");
    let configuration = place.path().join("keymint.toml");
    std::fs::write(&configuration, "[import]\npeppers = [\"OLD_PEPPER\"]\n").unwrap();
    assert!(place.run(&["migrate"]).status.success());
    let file = format!("referenceId,hash\nada,{}\n", foreign("hmac-sha256").1);
    std::fs::write(place.path().join("keys.csv"), file).unwrap();
    place.json(&["import", "keys.csv", "--hash", "hmac-sha256", "--pepper-env", "OLD_PEPPER", "--json"]);
    std::fs::remove_file(&configuration).unwrap();
    let server = place.serve();
    assert!(!server.is_valid(&json!({ "key": foreign("hmac-sha256").0 })).await);
    server.terminate();
    let (_, _, log) = server.finish();
    assert!(log.contains("import.peppers does not name a pepper") && log.contains("OLD_PEPPER"), "{log}");
    assert!(!log.contains("a pepper\""), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_line_is_told_by_its_number_and_nothing_is_imported() {
    for place in places().await {
        assert!(place.run(&["migrate"]).status.success());
        let (a, b) = (sha256("a"), sha256("b"));
        let file = format!(
            "id,referenceId,hash,remaining,configId\n\
             k1,ada,{a},,\nk1,ada,{b},,\nk2,ada,{a},,\nk3,ada,{},1,\nk4,,{:064x},,\nk5,ada,{:064x},many,\n\
             k6,ada,{:064x},,eu\n\"k7,ada",
            &a[..63],
            4,
            5,
            6,
        );
        let said = refused(&place, "bad.csv", &file, &["--hash", "sha256"]);
        let expected = [
            "line 3: id: the same id is in line 2",
            "line 4: hash: the same key is in line 2",
            "line 5: hash: is not sha256 of 32 bytes",
            "line 6: referenceId: the key has no owner",
            "line 7: remaining: must be a whole number",
            "line 8: there is no configuration eu",
            "line 9: is torn",
            "error: 7 lines are bad, and nothing was imported",
        ];
        for line in expected {
            assert!(said.contains(line), "{line}: {said}");
        }
        assert!(!said.contains(&a[..20]), "a hash is not repeated: {said}");
        let torn = format!("{{\"referenceId\":\"ada\",\"hash\":\"{a}\"}}\n{{\"referenceId\":\"ada\",\"ha");
        let said = refused(&place, "torn.jsonl", &torn, &["--hash", "sha256"]);
        assert!(said.contains("line 2: is torn: the object does not end"), "{said}");
        let said = refused(&place, "open.csv", &format!("hash,referenceId\n{a},\"ada"), &["--hash", "sha256"]);
        assert!(said.contains("line 2: is torn: a quoted field does not end"), "{said}");
        let said = refused(&place, "odd.csv", "hash,customer\n", &["--hash", "sha256"]);
        assert!(said.contains("the column customer holds no member"), "{said}");
        for (file, text) in
            [("headless.csv", format!("{a},ada\n")), ("headless.jsonl", format!("{{\"{a}\":\"ada\"}}\n"))]
        {
            let said = refused(&place, file, &text, &["--hash", "sha256"]);
            assert!(said.contains("line 1: a column holds no member, and its name may be a key"), "{said}");
            assert!(!said.contains(&a[..20]), "neither as the name of a column: {said}");
        }
        assert_eq!(place.json(&["key", "list", "--json"])["total"], 0);

        place.json(&["key", "create", "--user", "ada", "--json"]);
        let id = place.json(&["key", "list", "--json"])["apiKeys"][0]["id"].as_str().unwrap().to_owned();
        let said = refused(&place, "taken.csv", &format!("id,referenceId,hash\n{id},ada,{a}\n"), &["--hash", "sha256"]);
        assert!(said.contains("line 2: id: the database has another key with the id"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_the_disk_is_too_small_for_is_completed_by_the_same_command() {
    let place = Place::new();
    assert!(place.run(&["migrate"]).status.success());
    let lines = (0..20_000).fold("id,referenceId,hash\n".to_owned(), |mut file, number| {
        writeln!(file, "k{number},ada,{number:064x}").unwrap();
        file
    });
    std::fs::write(place.path().join("keys.csv"), lines).unwrap();
    let import = place.command(&[]);
    let mut full = Command::new("bash");
    // Blocks of 1024 bytes. The signal is ignored, so that the write fails as on a full disk.
    full.args(["-c", "trap '' XFSZ; ulimit -f 3000; exec \"$0\" import keys.csv --hash sha256"]);
    full.arg(import.get_program()).current_dir(place.path());
    let output = full.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("the import stopped before line "), "{said}");
    let added: u64 =
        said.split_once(": ").unwrap().1.split_once(": ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert!(added > 0 && added < 20_000 && added.is_multiple_of(500), "{said}");
    assert_eq!(
        place.json(&["key", "list", "--json", "--limit", "0"])["total"],
        added,
        "each portion is whole or absent"
    );
    let rest = place.json(&["import", "keys.csv", "--hash", "sha256", "--json"]);
    assert_eq!(rest, json!({ "dryRun": false, "added": 20_000 - added, "present": added }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_an_export_makes_the_same_keys() {
    for (from, to) in places().await.into_iter().zip(places().await.into_iter().rev()) {
        let configuration = "[[api_key]]\nconfig_id = \"default\"\nenable_metadata = true\n[[api_key]]\nconfig_id = \"eu\"\n\
                             [[api_key]]\nconfig_id = \"raw\"\ndisable_key_hashing = true\n";
        for place in [&from, &to] {
            std::fs::write(place.path().join("keymint.toml"), configuration).unwrap();
        }
        let made = [
            from.json(&["key", "create", "--user", "ada", "--json", "--metadata", r#"{"a":["b",1.50]}"#]),
            from.json(&[
                "key",
                "create",
                "--user",
                "bob",
                "--json",
                "--config-id",
                "eu",
                "--remaining",
                "9",
                "--name",
                "n\"o, 1",
                "--permissions",
                r#"{"files":["read"]}"#,
                "--allow",
                "10.0.0.0/8",
                "--expires-in",
                "864000",
            ]),
            from.json(&["key", "create", "--user", "eve", "--json", "--config-id", "raw"]),
            from.json(&["key", "create", "--user", "eve", "--json"]),
        ];
        let text = |key: &Value| key["key"].as_str().unwrap().to_owned();
        from.json(&["key", "verify", &text(&made[0]), "--json"]);
        from.json(&["key", "revoke", made[3]["id"].as_str().unwrap(), "--json"]);
        let exported = from.run(&["export", "--with-hashes"]);
        assert!(exported.status.success());
        let lines = String::from_utf8(exported.stdout).unwrap();
        std::fs::write(to.path().join("keys.jsonl"), &lines).unwrap();
        assert!(to.run(&["migrate"]).status.success());
        assert_eq!(to.json(&["import", "keys.jsonl", "--json"])["added"], 4);
        let again = String::from_utf8(to.run(&["export", "--with-hashes"]).stdout).unwrap();
        let sorted = |lines: &str| {
            let mut lines: Vec<_> = lines.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&again), sorted(&lines));
        assert!(to.run(&["key", "verify", &text(&made[0])]).status.success());
        assert!(to.run(&["key", "verify", &text(&made[2])]).status.success());
        assert!(!to.run(&["key", "verify", &text(&made[3])]).status.success(), "it was revoked");

        let bare = String::from_utf8(from.run(&["export"]).stdout).unwrap();
        assert!(!bare.contains("hash") && bare.lines().count() == 4, "{bare}");
        let said = refused(&to, "bare.jsonl", &bare, &["--hash", "sha256"]);
        assert!(said.contains("line 1: hash: is missing"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_document_print_what_it_shows() {
    for place in places().await {
        assert!(place.run(&["migrate"]).status.success());
        let files = markdown::blocks(DOCUMENT, "csv");
        for (name, content) in ["customers.csv", "old.csv", "torn.csv"].iter().zip(&files) {
            std::fs::write(place.path().join(name), content).unwrap();
        }
        let (scripts, answers) = (markdown::blocks(DOCUMENT, "sh"), markdown::blocks(DOCUMENT, "text"));
        assert_eq!((files.len(), scripts.len()), (3, answers.len()));
        let binary = place.command(&[]);
        for (script, answer) in scripts.iter().zip(&answers) {
            let script = format!("keymint() {{ \"$0\" \"$@\"; }}\n{script}");
            let mut bash = Command::new("bash");
            bash.args(["-c", &script]).arg(binary.get_program()).current_dir(place.path()).stdin(Stdio::null());
            bash.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = bash.output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(without_instants(&said), *answer, "{script}");
        }
    }
}

/// Replaces the instants of creation and of the last change, and the name of the user who ran the test.
fn without_instants(text: &str) -> String {
    let mut text = text.to_owned();
    for start in ["\"createdAt\":\"", "\"updatedAt\":\"", "\"createdBy\":\"cli:"] {
        if let Some(at) = text.find(start).map(|at| at + start.len()) {
            let end = at + text[at..].find('"').unwrap();
            text.replace_range(at..end, "*");
        }
    }
    text
}
