use keymint_domain::KeyId;
use keymint_domain::server_key::ServerKey;
use keymint_domain::value::KeyName;
use keymint_service::ServerKeys;
use serde_json::{Value, json};

use super::arguments::ServerKeyCommand;
use super::{CliResult, output};

pub(super) async fn run(keys: &ServerKeys, command: ServerKeyCommand, json: bool) -> CliResult {
    match command {
        ServerKeyCommand::Create { name } => {
            let made = keys.create(name.map(KeyName::parse).transpose()?).await?;
            let mut view = view(&made.key);
            view["key"] = Value::String(made.text.expose().to_owned());
            output::record(&view, json)
        }
        ServerKeyCommand::List => {
            let rows: Vec<_> = keys.list().await?.iter().map(view).collect();
            let answer = json!({ "serverKeys": rows });
            output::table(&answer, &rows, &["id", "name", "start", "createdAt", "revokedAt"], json)
        }
        ServerKeyCommand::Revoke { id } => {
            if keys.revoke(&KeyId::parse(id)?).await? {
                output::record(&json!({ "success": true }), json)
            } else {
                Err("there is no living server key of that id".into())
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
