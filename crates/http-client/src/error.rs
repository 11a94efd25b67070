use std::error::Error;
use std::io;

/// The reason why a call has no answer. The texts name the server, but neither path, headers nor body.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no connection: no address, no answer, or a failed handshake. Nothing was sent.
    #[error("no connection to {server}")]
    NoConnection {
        /// The scheme, the host and the port.
        server: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The deadline has passed.
    #[error("no whole answer from {server} in time")]
    TimedOut {
        /// The scheme, the host and the port.
        server: String,
    },
    /// The body of the answer is too long.
    #[error("the answer of {server} has more than {most} bytes")]
    TooLong {
        /// The scheme, the host and the port.
        server: String,
        /// The largest number of bytes.
        most: usize,
    },
    /// The connection broke, or what came over it is no HTTP.
    #[error("the exchange with {server} failed")]
    Broken {
        /// The scheme, the host and the port.
        server: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl CallError {
    /// Returns true if nothing was sent, so that the call may be tried again.
    pub fn is_no_connection(&self) -> bool {
        matches!(self, Self::NoConnection { .. })
    }

    /// Returns true if TLS failed, such as for the server's certificate.
    pub fn is_of_tls(&self) -> bool {
        self.find::<rustls::Error>().is_some()
    }

    /// Returns the first error of a type in the chain of causes.
    pub fn find<E: Error + 'static>(&self) -> Option<&E> {
        let mut cause: Option<&(dyn Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref().or_else(|| within_io(error)) {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }
}

/// Errors of I/O do not name the error in them as their source.
fn within_io<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)?;
    let inner: &'e (dyn Error + 'static) = inner;
    inner.downcast_ref().or_else(|| within_io(inner))
}
