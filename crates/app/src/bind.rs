//! The sockets that the server listens on.

use std::io;
use std::net::TcpListener;

use keymint_actix::Listener;

use crate::config::{Listen, UnixMode};

/// A socket that is bound. A Unix socket is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Bound {
    _socket: Option<SocketFile>,
}

/// Binds the socket of `listen`.
///
/// A Unix socket has its permissions from the first moment. A socket that an earlier process has left is replaced.
///
/// # Errors
///
/// Returns an error if the address or the path is in use, or cannot be bound.
pub(crate) fn bind(listen: &Listen, mode: UnixMode) -> io::Result<(Listener, Bound)> {
    match listen {
        Listen::Tcp(address) => Ok((TcpListener::bind(address)?.into(), Bound { _socket: None })),
        #[cfg(unix)]
        Listen::Unix(path) => {
            let (listener, file) = unix::bind(path, mode)?;
            Ok((listener.into(), Bound { _socket: Some(file) }))
        }
        #[cfg(not(unix))]
        Listen::Unix(_) => {
            let _ = mode;
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}

#[cfg(unix)]
use unix::SocketFile;

#[cfg(not(unix))]
#[derive(Debug)]
struct SocketFile;

#[cfg(unix)]
mod unix {
    use std::fs::{self, Permissions};
    use std::io;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};

    use crate::config::UnixMode;

    /// The file of a Unix socket, which is removed when this is dropped, unless another process has replaced it.
    #[derive(Debug)]
    pub(super) struct SocketFile {
        path: PathBuf,
        inode: (u64, u64),
    }

    impl Drop for SocketFile {
        fn drop(&mut self) {
            if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    /// Makes the socket under another name, and moves it to its own when it has its permissions.
    pub(super) fn bind(path: &Path, UnixMode(mode): UnixMode) -> io::Result<(UnixListener, SocketFile)> {
        refuse_if_taken(path)?;
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&new)?;
        fs::set_permissions(&new, Permissions::from_mode(mode))?;
        let file = SocketFile { path: path.to_owned(), inode: inode(&new)? };
        fs::rename(&new, path)?;
        Ok((listener, file))
    }

    /// Fails if somebody listens at `path`, or if it is no socket.
    fn refuse_if_taken(path: &Path) -> io::Result<()> {
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"))
            }
            Ok(_) => match UnixStream::connect(path) {
                Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
                Err(error) => Err(error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn inode(path: &Path) -> io::Result<(u64, u64)> {
        let found = fs::symlink_metadata(path)?;
        Ok((found.dev(), found.ino()))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const MODE: UnixMode = UnixMode(0o600);

        #[test]
        fn a_socket_has_its_mode_and_is_removed_with_its_owner() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keymint.sock");
            let (listener, file) = bind(&path, MODE).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
            UnixStream::connect(&path).unwrap();
            let taken = bind(&path, MODE).unwrap_err();
            assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
            drop((listener, file));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }

        #[test]
        fn a_socket_that_was_left_is_replaced_and_its_former_owner_leaves_the_new_one() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keymint.sock");
            let (listener, former) = bind(&path, MODE).unwrap();
            // The process is gone, and its file is not.
            drop(listener);
            let (_listener, file) = bind(&path, MODE).unwrap();
            drop(former);
            UnixStream::connect(&path).unwrap();
            drop(file);
            assert!(!path.exists());
        }

        #[test]
        fn a_file_that_is_no_socket_is_left_alone() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keymint.sock");
            fs::write(&path, "mine").unwrap();
            assert_eq!(bind(&path, MODE).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        }
    }
}
