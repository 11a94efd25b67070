use keymint_service::Identity;
use serde_json::json;

use super::arguments::UserCommand;
use super::{CliResult, output};

pub(super) async fn run(identity: &Identity, command: UserCommand, json: bool) -> CliResult {
    match command {
        UserCommand::Erase { user } => {
            let erased = identity.erase(&user).await?.ok_or("there is no user of that id or address")?;
            let answer = json!({ "id": erased.user.as_str(), "events": erased.events, "sessions": erased.sessions });
            output::record(&answer, json)
        }
    }
}
