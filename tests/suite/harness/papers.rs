//! Certificates for tests: an authority, what it signs, and the files that settings name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Agent, Kafka, Service};

/// An authority of its own, and the folder that its papers lie in.
pub struct Papers {
    authority: Issuer<'static, KeyPair>,
    pub folder: TempDir,
    root: CertificateDer<'static>,
}

impl Papers {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, format!("Tests {}", rand::random::<u32>()));
        let root = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), root.pem()).unwrap();
        Self { authority: Issuer::new(params, key), folder, root: root.der().clone() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate for this name and its key, in PEM.
    pub fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned(), "127.0.0.1".into()]).unwrap();
        (params.signed_by(&key, &self.authority).unwrap().pem(), key.serialize_pem())
    }

    /// Puts them where the service reads them.
    pub fn lay_out(&self, (certificate, key): &(String, String)) {
        fs::write(self.path("cert.pem"), certificate).unwrap();
        write_secret(&self.path("key.pem"), key);
    }

    /// Settings of a service with a certificate for `localhost`, over others; its admin address stays plain.
    pub async fn service(&self, kafka: &Kafka, others: &[(&str, &str)]) -> Service {
        self.lay_out(&self.sign("localhost"));
        let (certificate, key) = (self.path("cert.pem"), self.path("key.pem"));
        let own = [
            ("http.tls.certificate", certificate.to_str().unwrap()),
            ("http.tls.key", key.to_str().unwrap()),
            ("http.tls.admin", "false"),
        ];
        Service::with(kafka, &[&own[..], others].concat()).await
    }

    /// A client that believes this authority.
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion], papers: Option<&(String, String)>) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(backstory::tls::provider());
        let builder = builder.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
        let config = match papers {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        };
        Client(Arc::new(config))
    }
}

pub fn write_secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[derive(Clone)]
pub struct Client(Arc<ClientConfig>);

impl Client {
    pub async fn line(&self, service: &Service) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(service.socket_address()).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await
    }

    pub async fn agent(&self, service: &Service, agent_id: &str) -> Agent {
        let line = self.line(service).await.expect("a TLS handshake");
        let agent = Agent::shake_hands(line, service.socket_address(), &[]).await.expect("a handshake");
        agent.says_hello(serde_json::json!({ "type": "hello", "agent": agent_id, "timeZone": "UTC" })).await
    }

    /// The certificate that a new connection is met with.
    pub async fn sees(&self, service: &Service) -> CertificateDer<'static> {
        let line = self.line(service).await.expect("a TLS handshake");
        line.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }
}
