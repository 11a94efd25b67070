use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The place at which the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An IP address and a port; port 0 = any free one.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// The error for a text that is no place to listen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidListen {
    /// The text is neither an address with a port nor a socket.
    #[error(
        "must be an IP address and a port, as in 127.0.0.1:8787 or [::1]:8787, or unix:PATH; names are not looked up"
    )]
    Form,
    /// The path of the socket is missing or too long.
    #[error("must have 1 to {LONGEST_PATH} bytes behind unix:, without NUL")]
    Path,
    /// This system has no Unix sockets.
    #[error("must be an IP address and a port: this system has no Unix sockets")]
    NoSockets,
}

/// The longest path of a socket, in bytes: the kernel has room for 107, and the socket is made under a longer name first.
pub(crate) const LONGEST_PATH: usize = 100;

impl FromStr for Listen {
    type Err = InvalidListen;

    fn from_str(text: &str) -> Result<Self, InvalidListen> {
        match text.strip_prefix("unix:") {
            Some(_) if !cfg!(unix) => Err(InvalidListen::NoSockets),
            Some(path) if path.is_empty() || path.len() > LONGEST_PATH || path.contains('\0') => {
                Err(InvalidListen::Path)
            }
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| InvalidListen::Form),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The permissions of a Unix socket, which decide who can connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixMode(pub u32);

impl UnixMode {
    /// Reads three or four octal digits, as `chmod` takes them.
    ///
    /// # Errors
    ///
    /// Returns a message for any other text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let message = "must be three octal digits, as in 660, with a 0 before them or without";
        let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(text);
        let is_octal = digits.len() == 3 && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let mode = is_octal.then(|| u32::from_str_radix(digits, 8).ok()).flatten();
        mode.map(Self).ok_or(message)
    }
}

impl fmt::Display for UnixMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_or_a_socket() {
        for text in ["127.0.0.1:8787", "[::1]:0", "unix:/run/keymint.sock", "unix:keymint.sock"] {
            assert_eq!(text.parse::<Listen>().map(|listen| listen.to_string()).as_deref(), Ok(text));
        }
        let long = format!("unix:/{}", "x".repeat(LONGEST_PATH));
        for (text, error) in [
            ("localhost:8787", InvalidListen::Form),
            ("8787", InvalidListen::Form),
            ("/run/keymint.sock", InvalidListen::Form),
            ("unix:", InvalidListen::Path),
            ("unix:a\0b", InvalidListen::Path),
            (&long, InvalidListen::Path),
        ] {
            assert_eq!(text.parse::<Listen>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_mode_is_octal() {
        for (text, mode) in [("0660", 0o660), ("660", 0o660), ("000", 0), ("0777", 0o777)] {
            assert_eq!(UnixMode::parse(text), Ok(UnixMode(mode)), "{text}");
        }
        assert_eq!(UnixMode(0o660).to_string(), "0660");
        for text in ["", "66", "1660", "0o660", "888", "rw-rw----", "00660"] {
            assert!(UnixMode::parse(text).is_err(), "{text}");
        }
    }
}
