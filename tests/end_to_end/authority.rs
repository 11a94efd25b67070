//! Certificates for servers on this machine, and clients that trust them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::ClientBuilder;

/// The issuer of the certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Puts a new certificate into `certificate.pem` and its key into `key.pem`, and returns the certificate in DER, as
    /// a handshake presents it.
    pub(crate) fn issue(&self, folder: &Path) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        fs::write(folder.join("certificate.pem"), certificate.pem()).unwrap();
        let key_file = folder.join("key.pem");
        fs::write(&key_file, key.serialize_pem()).unwrap();
        fs::set_permissions(key_file, fs::Permissions::from_mode(0o600)).unwrap();
        certificate.der().to_vec()
    }

    /// Returns a client that trusts only this authority.
    pub(crate) fn client(&self) -> ClientBuilder {
        let root = reqwest::Certificate::from_pem(self.0.pem().as_bytes()).unwrap();
        reqwest::Client::builder().tls_certs_only([root]).tls_info(true)
    }
}
