//! TLS to PostgreSQL: whose certificate is believed, and which is shown. Its files are read anew for each connection, so that
//! those that were renewed hold from the next one on.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{self, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio_postgres::Socket;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::tls;

/// Who may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    Anybody,
    /// Whoever has a certificate of the authorities in this file.
    Chain(PathBuf),
    /// Whoever has one for the name that was asked for, of these authorities or, without a file, of those that this machine believes.
    ChainAndName(Option<PathBuf>),
}

/// What is shown to a server that asks.
#[derive(Debug, Clone)]
pub struct Files {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// Makes the TLS of each connection.
#[derive(Clone)]
pub struct Tls(Arc<(Trust, Option<Files>)>);

impl Tls {
    /// Reads all files once, so that what is wrong with them is said at start.
    pub fn of(trust: Trust, own: Option<Files>) -> Result<Self, String> {
        let tls = Self(Arc::new((trust, own)));
        tls.client().map(|_| tls).map_err(|error| format!("{error:#}"))
    }

    pub fn trust(&self) -> &Trust {
        &self.0.0
    }

    fn client(&self) -> anyhow::Result<ClientConfig> {
        let (trust, own) = &*self.0;
        let provider = tls::provider();
        let algorithms = provider.signature_verification_algorithms;
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(tls::VERSIONS)?;
        let verifier: Arc<dyn ServerCertVerifier> = match trust {
            Trust::Anybody => Arc::new(AnyName { roots: None, algorithms }),
            Trust::Chain(file) => Arc::new(AnyName { roots: Some(authorities(file)?), algorithms }),
            Trust::ChainAndName(Some(file)) => {
                let verifier = WebPkiServerVerifier::builder_with_provider(authorities(file)?, provider).build();
                verifier.context("sslrootcert")?
            }
            Trust::ChainAndName(None) => Arc::new(Verifier::new(provider).context("sslrootcert")?),
        };
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut client = match own {
            None => builder.with_no_client_auth(),
            Some(files) => {
                let chain = tls::certificates(&tls::read("sslcert", &files.cert)?);
                let chain = chain.with_context(|| tls::in_file("sslcert", &files.cert))?;
                let key = tls::private_key(&tls::read_secret("sslkey", &files.key)?);
                let key = key.with_context(|| tls::in_file("sslkey", &files.key))?;
                builder.with_client_auth_cert(chain, key).context("sslcert and sslkey do not belong together")?
            }
        };
        client.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(client)
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
    type TlsConnect = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Self::TlsConnect> {
        let mut connect =
            MakeRustlsConnect::new(self.client().map_err(|error| io::Error::other(format!("{error:#}")))?);
        MakeTlsConnect::<Socket>::make_tls_connect(&mut connect, host).map_err(io::Error::other)
    }
}

fn authorities(path: &Path) -> anyhow::Result<Arc<RootCertStore>> {
    tls::roots(&tls::read("sslrootcert", path)?).with_context(|| tls::in_file("sslrootcert", path))
}

/// Holds a certificate against the authorities, where there are any, and never against a name. That the server has the
/// certificate's key is always verified.
#[derive(Debug)]
struct AnyName {
    roots: Option<Arc<RootCertStore>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let own = ParsedCertificate::try_from(own)?;
            verify_server_cert_signed_by_trust_anchor(&own, roots, between, now, self.algorithms.all)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls12_signature(message, own, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(message, own, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why there is no TLS, as an administrator can act on it; `None` for what is no matter of certificates.
pub fn reason(error: &tokio_postgres::Error) -> Option<String> {
    let cause = error.source()?.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()?;
    let text = match cause {
        rustls::Error::InvalidCertificate(of) => match of {
            CertificateError::UnknownIssuer => "its certificate is of no authority in sslrootcert".into(),
            CertificateError::NotValidForNameContext { expected, presented } => {
                let names = if presented.is_empty() { "no name at all".into() } else { presented.join(", ") };
                format!("its certificate is not for {}, but for {names}", expected.to_str())
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".into(),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet; or this machine's clock is wrong".into()
            }
            other if other.to_string().contains("CaUsedAsEndEntity") => {
                "its certificate is an authority's (CA:TRUE), and may not be a server's: give it one that this authority signed".into()
            }
            other => format!("its certificate is not accepted: {other}"),
        },
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::UnknownCA | AlertDescription::BadCertificate,
        ) => "it does not accept our certificate (sslcert, sslkey)".into(),
        other => other.to_string(),
    };
    Some(format!("no TLS with PostgreSQL: {text}"))
}
