use std::io::{self, BufRead as _, IsTerminal as _};
use std::num::NonZeroU32;

use console::Term;
use keymint_domain::Timestamp;
use keymint_domain::identity::{Email, Password, SignUp};
use keymint_domain::verify::Ban;
use keymint_ports::{BanOutcome, ListedUser};
use keymint_service::{Caller, Identity, RemovedOperator};
use serde_json::{Value, json};

use super::arguments::UserCommand;
use super::output::{self, Form};
use super::{CliResult, Misused, Refused, refused};

const NOBODY: Refused = Refused::new("there is no user of that id or address");

/// The users of one statement.
const PORTION: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// `base_url` is the scheme, host and port by which browsers know the server.
pub(super) async fn run(identity: &Identity, base_url: &str, command: UserCommand, form: Form) -> CliResult {
    let caller = Caller::Server;
    match command {
        UserCommand::Create { email, name, verified } => {
            let email = Email::parse(&email).map_err(|error| Misused(format!("--email: {error}")))?;
            let sign_up = SignUp { name, email, password: read_password()?, image: None };
            sign_up.check_texts().map_err(|(member, error)| Misused(format!("--{member} {error}")))?;
            let user = identity.create_user(&caller, sign_up, verified).await.map_err(refused)?;
            output::record(&view(&ListedUser { user, is_operator: false }), form)
        }
        UserCommand::List => list(identity, &caller, form).await,
        UserCommand::SetPassword { user } => {
            let set = identity.set_password(&caller, &user, read_password()?).await.map_err(refused)?;
            output::record(&json!({ "id": set.ok_or(NOBODY)?.as_str() }), form)
        }
        UserCommand::MakeOperator { user } => {
            let (id, is_new) = identity.make_operator(&caller, &user).await.map_err(refused)?.ok_or(NOBODY)?;
            output::record(&json!({ "id": id.as_str(), "changed": is_new }), form)
        }
        UserCommand::RemoveOperator { user } => {
            let removed = identity.remove_operator(&caller, &user).await.map_err(refused)?.ok_or(NOBODY)?;
            let RemovedOperator { user, was_kept, remains_one } = removed;
            output::record(&json!({ "id": user.as_str(), "changed": was_kept, "operator": remains_one }), form)
        }
        UserCommand::Ban { user, until } => {
            let until = until.map(|text| Timestamp::parse_or_date(&text));
            let until = until
                .transpose()
                .map_err(|_| Misused("--until must be RFC 3339, or a date, as in 2027-01-31".to_owned()))?;
            set_ban(identity, &caller, &user, Some(Ban { until }), form).await
        }
        UserCommand::Unban { user } => set_ban(identity, &caller, &user, None, form).await,
        UserCommand::ResetLink { user } => {
            let made = identity.make_reset_link(&caller, &user).await.map_err(refused)?.ok_or(NOBODY)?;
            let expires_at = made.link.expires_at.to_string();
            output::secret(&json!({ "url": made.url(base_url), "expiresAt": expires_at }), "url", form)
        }
        UserCommand::Erase { user } => {
            let erased = identity.erase(&user).await?.ok_or(NOBODY)?;
            let answer = json!({ "id": erased.user.as_str(), "events": erased.events, "sessions": erased.sessions });
            output::record(&answer, form)
        }
    }
}

async fn list(identity: &Identity, caller: &Caller, form: Form) -> CliResult {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let portion = identity.list_users(caller, after.take(), PORTION).await.map_err(refused)?;
        rows.extend(portion.iter().map(view));
        match portion.last() {
            Some(last) if portion.len() >= PORTION.get() as usize => after = Some(last.user.id.clone()),
            _ => break,
        }
    }
    let names = ["id", "name", "email", "emailVerified", "operator", "bannedUntil", "createdAt"];
    output::table(&json!({ "users": rows }), &rows, &names, form)
}

async fn set_ban(identity: &Identity, caller: &Caller, user: &str, ban: Option<Ban>, form: Form) -> CliResult {
    let (id, outcome) = identity.set_ban(caller, user, ban).await.map_err(refused)?.ok_or(NOBODY)?;
    match outcome {
        BanOutcome::Set { sessions } => {
            output::record(&json!({ "id": id.as_str(), "banned": ban.is_some(), "sessions": sessions }), form)
        }
        BanOutcome::NoColumns => {
            Err("the table user has no columns for bans, banned and banExpires: add Better Auth's admin \
                                      plugin, or the columns (docs/better-auth.md), and restart the server"
                .into())
        }
    }
}

fn view(listed: &ListedUser) -> Value {
    let ListedUser { user, is_operator } = listed;
    let banned_until = user.ban.map(|ban| ban.until.map_or_else(|| "forever".to_owned(), |until| until.to_string()));
    json!({
        "id": user.id.as_str(),
        "name": user.name,
        "email": user.email,
        "emailVerified": user.email_verified,
        "operator": is_operator,
        "bannedUntil": banned_until,
        "createdAt": user.created_at.to_string(),
    })
}

/// Reads a password: from the terminal without an echo, or else a line of standard input. It is no argument, which other
/// users of the machine and the shell's history would see.
fn read_password() -> CliResult<Password> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let terminal = Term::stderr();
        terminal.write_str("Password: ")?;
        let password = terminal.read_secure_line()?;
        terminal.write_str("Once more: ")?;
        if terminal.read_secure_line()? != password {
            return Err("the two passwords differ".into());
        }
        return Ok(Password::new(password));
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    Ok(Password::new(password.strip_suffix('\r').unwrap_or(password)))
}
