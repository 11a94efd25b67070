use std::fs;
use std::path::{Path, PathBuf};

use keymint_actix::tls::{Certificate, InvalidCertificate};

use crate::config::section::Section;
use crate::config::{KeyPath, Location, Problem, Problems};

/// The files of the server's certificate. [`Tls::load`] reads them, so that other commands need no access to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The chain of certificates, relative to the directory that the process runs in.
    pub certificate: PathBuf,
    /// The private key, relative to the same directory.
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

/// Reads a path. Refuses the content of a file, which would be printed like a path.
fn parse_path(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains("-----") || text.contains(char::is_control) {
        return Err("must be the path of a PEM file, not its content");
    }
    Ok(text.to_owned())
}

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with the files, without their content.
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

    /// Returns true if every user of the machine may read the key.
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

/// Other systems' file modes do not say.
#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> bool {
    false
}

fn problem(name: &str, path: &Path, message: &dyn std::fmt::Display) -> Problem {
    let location = Location { place: None, path: KeyPath::default().key("server").key("tls").key(name) };
    Problem::new(location, format!("{}: {message}", path.display()))
}
