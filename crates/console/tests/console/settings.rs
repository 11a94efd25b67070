//! The settings of the server.

use keymint_console::ServerSettings;

use crate::support::{NOW, Setup, Site};

#[tokio::test]
async fn settings_and_what_is_missing_are_shown() {
    let settings = ServerSettings {
        configuration: "[database]\nurl = \"postgres://keymint:***@db/<script>\"\n".to_owned(),
        waiting: vec!["server.listen".to_owned()],
        store: "Postgres".to_owned(),
        database_server: Some("PostgreSQL 16".to_owned()),
        database_warnings: vec!["synchronous_commit is off".to_owned()],
        migrations: vec!["0001 better auth".to_owned(), "0002 keymint".to_owned()],
        has_own_secret: false,
        started_at: Some(NOW.minus_millis(3_600_000)),
    };
    let site = Site::operated(Setup { settings, ..Setup::default() }).await;
    let page = site.get("/console/settings").await;
    page.has(&[
        "postgres://keymint:***@db/&#60;script&#62;",
        "<code>server.listen</code>",
        "Postgres, PostgreSQL 16",
        "synchronous_commit is off",
        "2 migrations",
        "0002 keymint",
        "1 hour ago",
        env!("CARGO_PKG_VERSION"),
        "No secret is configured",
        "No webhook tells anybody",
        "docs/webhooks.md",
    ]);
    page.lacks(&["<script>", "No changes are recorded"]);
    let site = Site::operated(Setup { records: false, ..Setup::default() }).await;
    let page = site.get("/console/settings").await;
    page.has(&["No changes are recorded", "Webhooks are switched off"]);
}
