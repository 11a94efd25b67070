//! TLS: the certificate that the server shows, which can be exchanged while it serves.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_web::rt::net::TcpStream;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, ServerConfig};

/// The stream of a connection after its handshake.
pub(crate) type Stream = TlsStream<TcpStream>;

/// A certificate with the chain below its root, and its private key.
#[derive(Clone)]
pub struct Certificate(Arc<CertifiedKey>);

/// Why there is no such certificate. Nothing of what was read is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    /// The text of the chain.
    #[error("must hold a chain of certificates as PEM, the server's own first")]
    Chain,
    /// The text of the key.
    #[error("must hold a private key as PEM, in PKCS #8, SEC1 or PKCS #1 and not encrypted")]
    Key,
    /// The two do not belong together.
    #[error("is not the private key of the first certificate")]
    Mismatch,
}

impl Certificate {
    /// Reads a chain and its key, both as PEM.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidCertificate`] if the chain or the key cannot be read, or if the key is not that of the first
    /// certificate.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, InvalidCertificate> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|_| InvalidCertificate::Chain)?;
        if chain.is_empty() {
            return Err(InvalidCertificate::Chain);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| InvalidCertificate::Key)?;
        let key = provider().key_provider.load_private_key(key).map_err(|_| InvalidCertificate::Key)?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Self(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(_)) => Err(InvalidCertificate::Mismatch),
            Err(_) => Err(InvalidCertificate::Chain),
        }
    }
}

/// Nothing of the key.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.0.cert.len()).finish_non_exhaustive()
    }
}

/// The certificate that handshakes show. A clone is another handle on the same.
#[derive(Clone)]
pub struct Tls(Arc<Shown>);

#[derive(Debug)]
struct Shown(RwLock<Certificate>);

impl Tls {
    /// Begins with `certificate`.
    pub fn new(certificate: Certificate) -> Self {
        Self(Arc::new(Shown(RwLock::new(certificate))))
    }

    /// Shows `certificate` in handshakes from now on. Connections that are open go on.
    pub fn replace(&self, certificate: Certificate) {
        *self.0.0.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    /// TLS 1.2 and 1.3 with HTTP/1.1, without certificates of clients. Errors: none with the bundled cryptography.
    pub(crate) fn acceptor(&self, handshake_timeout: Duration) -> Result<Acceptor, rustls::Error> {
        let versions = ServerConfig::builder_with_provider(Arc::new(provider()));
        let resolver = Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>;
        let versions = versions.with_protocol_versions(&[&TLS13, &TLS12])?;
        let mut config = versions.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut acceptor = Acceptor::new(config);
        acceptor.set_handshake_timeout(handshake_timeout);
        Ok(acceptor)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResolvesServerCert for Shown {
    /// The one certificate, whatever name is asked for.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).0))
    }
}

/// Said aloud, since other libraries of the process may bring another one.
fn provider() -> CryptoProvider {
    ring::default_provider()
}
