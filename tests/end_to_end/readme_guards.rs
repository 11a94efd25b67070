//! The README's snippets that guard an API, run by their own languages against a server.

use std::fs::write;
use std::process::Command;

use keymint_test_support::debian::program;
use serde_json::json;

use crate::process::{Place, SERVER_KEY};
use crate::readme::blocks;

/// Turns a snippet of the README into a program that prints the verdict, and the key's name or the error's code.
struct Language {
    fence: &'static str,
    file: &'static str,
    program: fn() -> Command,
    before: &'static str,
    after: &'static str,
}

const LANGUAGES: [Language; 3] = [
    Language {
        fence: "js",
        file: "guard.mjs",
        program: || Command::new("node"),
        before: "const presented = process.env.PRESENTED;\n",
        after: "console.log(valid, error?.code ?? key.name);\n",
    },
    Language {
        fence: "python",
        file: "guard.py",
        program: || Command::new("python3"),
        before: "import json, os, urllib.request\npresented = os.environ['PRESENTED']\n",
        after: "found = verdict['key']['name'] if valid else verdict['error']['code']\nprint(str(valid).lower(), found)\n",
    },
    Language {
        fence: "go",
        file: "guard.go",
        program: || {
            let mut go = Command::new(program("go", "golang-go"));
            go.arg("run");
            go
        },
        before: "package main\nimport (\"bytes\"; \"encoding/json\"; \"fmt\"; \"net/http\"; \"os\"; \"time\")\n\
            func main() {\npresented := os.Getenv(\"PRESENTED\")\n",
        after: "if err != nil { panic(err) }\n\
            var verdict struct { Valid bool; Key *struct { Name string }; Error *struct { Code string } }\n\
            if err := json.NewDecoder(answer.Body).Decode(&verdict); err != nil { panic(err) }\n\
            if verdict.Valid { fmt.Println(true, verdict.Key.Name) } else { fmt.Println(false, verdict.Error.Code) }\n}\n",
    },
];

#[tokio::test]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Node, Python and Go")]
async fn a_guard_of_each_language_admits_a_key_that_may_and_no_other() {
    let place = Place::new();
    let server = place.serve();
    let create = async |name: &str, action: &str| {
        let body = json!({ "userId": "ada", "name": name, "permissions": { "files": [action] } });
        server.post("create", body).await.1["key"].as_str().unwrap().to_owned()
    };
    let (reader, writer) = (create("reader", "read").await, create("writer", "write").await);
    for Language { fence, file, program, before, after } in LANGUAGES {
        let [snippet] = &blocks(fence)[..] else { panic!("one snippet of {fence}") };
        write(place.path().join(file), [before, snippet, after].concat()).unwrap();
        let cases =
            [(&*reader, "true reader"), (&*writer, "false KEY_NOT_FOUND"), ("nobody's", "false INVALID_API_KEY")];
        for (presented, expected) in cases {
            let mut guard = program();
            guard.arg(file).current_dir(place.path()).env("PRESENTED", presented).env("SERVER_KEY", SERVER_KEY);
            guard.env("KEYMINT", server.base("").trim_end_matches('/'));
            let output = guard.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(said.trim(), expected, "{fence}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
