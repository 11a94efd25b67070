use keymint_domain::KeyId;
use keymint_domain::server_key::ServerKey;
use keymint_domain::value::KeyName;
use keymint_service::ServerKeys;
use serde_json::{Value, json};

use super::arguments::ServerKeyCommand;
use super::output::{self, Form};
use super::{CliResult, Misused, Refused};

pub(super) async fn run(keys: &ServerKeys, command: ServerKeyCommand, form: Form) -> CliResult {
    match command {
        ServerKeyCommand::Create { name } => {
            let made = keys
                .create(name.map(KeyName::parse).transpose().map_err(|error| Misused(format!("--name {error}")))?)
                .await?;
            let mut view = view(&made.key);
            view["key"] = Value::String(made.text.expose().to_owned());
            output::secret(&view, "key", form)
        }
        ServerKeyCommand::List => {
            let rows: Vec<_> = keys.list().await?.iter().map(view).collect();
            let answer = json!({ "serverKeys": rows });
            output::table(&answer, &rows, &["id", "name", "start", "createdAt", "revokedAt"], form)
        }
        ServerKeyCommand::Revoke { id } => {
            if keys.revoke(&KeyId::parse(id).map_err(|error| Misused(format!("the id {error}")))?).await? {
                output::record(&json!({ "success": true }), form)
            } else {
                Err(Refused::because("there is no living server key of that id").into())
            }
        }
    }
}

fn view(key: &ServerKey) -> Value {
    json!({
        "id": key.id.as_str(),
        "name": key.name,
        "start": key.start,
        "createdAt": key.created_at.to_string(),
        "revokedAt": key.revoked_at.map(|at| at.to_string()),
    })
}
