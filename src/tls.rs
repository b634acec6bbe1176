//! What TLS stands on, for the service and for its clients: one provider of cryptography, and certificates read from PEM files.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, version};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::config::TlsFiles;

/// Nothing older is spoken.
pub const VERSIONS: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

/// Builds with a C compiler alone.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Every certificate of a PEM file, in its order.
pub fn certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = read.context("not PEM as it should be")?;
    ensure!(!certificates.is_empty(), "no certificate in it (-----BEGIN CERTIFICATE-----)");
    Ok(certificates)
}

/// The private key of a PEM file, in any of the usual forms.
pub fn private_key(pem: &[u8]) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).context("no private key in it that can be read (-----BEGIN PRIVATE KEY-----)")
}

/// Authorities that others' certificates are held against.
pub fn roots(pem: &[u8]) -> anyhow::Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).context("a certificate in it is no authority's")?;
    }
    Ok(Arc::new(roots))
}

/// A file that TLS needs, by the name of what it is said in.
pub fn read(said_in: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{said_in}: cannot read {}", path.display()))
}

/// A private key is its owner's, and perhaps a group's.
pub fn read_secret(said_in: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    let pem = read(said_in, path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
        if mode & 0o007 != 0 {
            bail!("{said_in}: everybody on this machine may read {}: chmod o= it", path.display());
        }
    }
    Ok(pem)
}

/// A service's files made into what connections are met with.
pub struct Served {
    pub config: Arc<ServerConfig>,
    pub about: About,
}

impl Served {
    pub fn from(files: &TlsFiles) -> anyhow::Result<Self> {
        let chain = read("http.tls.certificate", &files.certificate)?;
        let chain = certificates(&chain).with_context(|| in_file("http.tls.certificate", &files.certificate))?;
        let key = read_secret("http.tls.key", &files.key)?;
        let key = private_key(&key).with_context(|| in_file("http.tls.key", &files.key))?;
        let about = About::of(&chain[0]).with_context(|| in_file("http.tls.certificate", &files.certificate))?;
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS)?;
        let builder = match &files.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let said_in = || in_file("http.tls.client_ca", path);
                let roots = roots(&read("http.tls.client_ca", path)?).with_context(said_in)?;
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
                builder.with_client_cert_verifier(verifier.with_context(said_in)?)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .context("http.tls.certificate and http.tls.key do not belong together, or cannot be used")?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), about })
    }
}

/// How a file is named that is of no use.
pub fn in_file(said_in: &str, path: &Path) -> String {
    format!("{said_in}: {}", path.display())
}

/// What a person wants to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// DNS names and addresses that it is for.
    pub names: Vec<String>,
    /// Unix seconds.
    pub ends_at: i64,
}

impl About {
    pub fn of(certificate: &CertificateDer<'_>) -> anyhow::Result<Self> {
        let read = Certificate::from_der(certificate).context("a certificate that cannot be read")?.tbs_certificate;
        let alternative = read.get::<SubjectAltName>().ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
        let names = alternative.iter().filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.to_string()),
            GeneralName::IpAddress(bytes) => ip(bytes.as_bytes()),
            _ => None,
        });
        let ends_at = i64::try_from(read.validity.not_after.to_unix_duration().as_secs())?;
        Ok(Self { names: names.collect(), ends_at })
    }
}

fn ip(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(|bytes| std::net::Ipv4Addr::from(bytes).to_string());
    v4.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()))
}
