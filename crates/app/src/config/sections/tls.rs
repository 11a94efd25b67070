use std::fs;
use std::path::{Path, PathBuf};

use keymint_actix::tls::{Certificate, InvalidCertificate};

use crate::config::section::Section;
use crate::config::{KeyPath, Location, Problem, Problems};

/// The files that the server's certificate is in. They are read by [`Tls::load`], so that commands need not be able to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The chain of certificates; relative to the directory that the process runs in.
    pub certificate: PathBuf,
    /// The private key, likewise.
    pub key: PathBuf,
}

const CERTIFICATE: &str = "certificate";
const KEY: &str = "key";

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Option<Tls> {
    let kind = "path of a PEM file";
    let certificate = section.optional_text(CERTIFICATE, kind, parse_path);
    let key = section.optional_text(KEY, kind, parse_path);
    for (key, other) in [(CERTIFICATE, KEY), (KEY, CERTIFICATE)] {
        if section.is_set(other) && !section.is_set(key) {
            section.problem(section.location(key), format!("must be set where {other} is"));
        }
    }
    Some(Tls { certificate: certificate?.into(), key: key?.into() })
}

/// Refuses the content of a file, which would be printed as a path is.
fn parse_path(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains("-----") || text.contains(char::is_control) {
        return Err("must be the path of a PEM file, not its content");
    }
    Ok(text.to_owned())
}

impl Tls {
    /// Reads the certificate and its key, or says everything that is wrong with the files, and nothing of what they hold.
    pub fn load(&self) -> Result<Certificate, Problems> {
        match (fs::read(&self.certificate), fs::read(&self.key)) {
            (Ok(certificate), Ok(key)) => Certificate::from_pem(&certificate, &key).map_err(|error| {
                let (name, path) = match error {
                    InvalidCertificate::Chain => (CERTIFICATE, &self.certificate),
                    InvalidCertificate::Key | InvalidCertificate::Mismatch => (KEY, &self.key),
                };
                problem(name, path, &error).into()
            }),
            (certificate, key) => {
                let unread = [(CERTIFICATE, &self.certificate, certificate), (KEY, &self.key, key)];
                let problems = unread.into_iter().filter_map(|(name, path, read)| {
                    Some(problem(name, path, &format_args!("cannot be read: {}", read.err()?)))
                });
                Err(Problems::new(problems.collect()))
            }
        }
    }

    /// Whether everybody on the machine may read the key.
    pub fn is_key_open_to_all(&self) -> bool {
        is_open_to_all(&self.key)
    }
}

#[cfg(unix)]
fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    const OTHERS_READ: u32 = 0o004;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & OTHERS_READ != 0)
}

/// Elsewhere a file's mode does not say.
#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> bool {
    false
}

fn problem(name: &str, path: &Path, message: &dyn std::fmt::Display) -> Problem {
    let location = Location { place: None, path: KeyPath::default().key("server").key("tls").key(name) };
    Problem::new(location, format!("{}: {message}", path.display()))
}
