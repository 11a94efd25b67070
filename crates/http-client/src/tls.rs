use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// The authorities whose certificates a client accepts.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// Those of the operating system.
    #[default]
    System,
    /// These alone.
    Roots(Vec<CertificateDer<'static>>),
}

impl Trust {
    /// Reads the roots of a text in PEM.
    ///
    /// # Errors
    ///
    /// Returns [`TrustError::Pem`] if there is none in it, and if one is malformed.
    pub fn from_pem(text: &[u8]) -> Result<Self, TrustError> {
        let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
        let roots = roots.ok().filter(|roots| !roots.is_empty()).ok_or(TrustError::Pem)?;
        // The builder of the client would find out that one is no certificate, but too late for this error.
        Store::of(&roots)?;
        Ok(Self::Roots(roots))
    }
}

/// The reason why certificates cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The text has no certificate, or a malformed one.
    #[error("there must be one or more certificates as PEM")]
    Pem,
    /// A root is no certificate, or TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// The settings of TLS, and the reason why they trust nobody.
pub(crate) struct Tls {
    pub(crate) config: ClientConfig,
    pub(crate) missing_roots: Option<rustls::Error>,
}

impl Tls {
    /// Makes the settings. They name their provider, so that none of the process is needed.
    pub(crate) fn by(trust: &Trust) -> Result<Self, rustls::Error> {
        let nobody = |error| {
            let config = builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
            Ok(Self { config, missing_roots: Some(error) })
        };
        let config = match trust {
            Trust::Roots(roots) => builder()?.with_root_certificates(Store::of(roots)?.0),
            Trust::System => match builder()?.with_platform_verifier() {
                Ok(config) => config,
                Err(error) => return nobody(error),
            },
        };
        Ok(Self { config: config.with_no_client_auth(), missing_roots: None })
    }
}

struct Store(RootCertStore);

impl Store {
    fn of(roots: &[CertificateDer<'static>]) -> Result<Self, rustls::Error> {
        let mut store = RootCertStore::empty();
        roots.iter().try_for_each(|root| store.add(root.clone()))?;
        Ok(Self(store))
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}
