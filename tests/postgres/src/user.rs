use std::path::Path;
use std::process::{Command, Stdio};

/// The user that a server runs as. Postgres refuses to run as root.
#[derive(Debug, Clone)]
pub(crate) enum User {
    /// The user of this process.
    Ours,
    /// A user that root switches to.
    Other(&'static str),
}

impl User {
    pub(crate) fn find() -> Self {
        if !is_root() {
            return Self::Ours;
        }
        // Debian's package creates the first one; the second exists everywhere.
        let exists = |name: &&str| succeeds(Command::new("id").args(["-u", name]));
        let found = ["postgres", "nobody"].into_iter().find(exists);
        Self::Other(found.unwrap_or_else(|| panic!("root needs a user `postgres` or `nobody` to run Postgres as")))
    }

    /// Gives a folder to the user.
    pub(crate) fn own(&self, folder: &Path) {
        if let Self::Other(name) = self {
            assert!(succeeds(Command::new("chown").arg(name).arg(folder)), "the folder cannot be given to {name}");
        }
    }

    /// Returns the words of a command line that run the following words as the user.
    pub(crate) fn switch(&self) -> Vec<&'static str> {
        let has = |program| succeeds(Command::new(program).arg("--version"));
        match *self {
            Self::Ours => vec!["env"],
            Self::Other(name) if has("runuser") => vec!["runuser", "-u", name, "--"],
            Self::Other(name) if has("setpriv") => vec!["setpriv", "--reuid", name, "--clear-groups", "--"],
            Self::Other(name) => vec!["su", "-s", "/bin/sh", "-c", r#"exec "$0" "$@""#, "--", name],
        }
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
