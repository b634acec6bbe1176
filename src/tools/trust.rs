//! TLS of the commands that ask a running service: whom they believe, and who they say they are.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::tls;

/// The same for every command that may ask a service at https://.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Trust {
    /// Authorities (PEM) that the certificate of a service at https:// is held against [default: those of this system]
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,

    /// Certificate and private key (PEM, one file) to show to a service that asks for one
    #[arg(long, value_name = "FILE", global = true)]
    identity: Option<PathBuf>,
}

impl Trust {
    /// As they are typed, for a process that asks the same service.
    pub fn arguments(&self) -> Vec<std::ffi::OsString> {
        let given = [("--ca", &self.ca), ("--identity", &self.identity)];
        let given = given.into_iter().filter_map(|(name, file)| Some([name.into(), file.as_ref()?.into()]));
        given.flatten().collect()
    }

    pub fn client(&self) -> anyhow::Result<Arc<ClientConfig>> {
        let builder = ClientConfig::builder_with_provider(tls::provider()).with_protocol_versions(tls::VERSIONS)?;
        let builder = match &self.ca {
            Some(path) => {
                let roots =
                    tls::roots(&tls::read("--ca", path)?).with_context(|| format!("--ca {}", path.display()))?;
                builder.with_root_certificates(roots)
            }
            None => {
                let verifier = Verifier::new(tls::provider());
                let verifier = verifier.context("this system has no authorities: name a file of them with --ca")?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let mut config = match &self.identity {
            Some(path) => {
                let pem = tls::read_secret("--identity", path)?;
                let of = || format!("--identity {}", path.display());
                let (chain, key) =
                    (tls::certificates(&pem).with_context(of)?, tls::private_key(&pem).with_context(of)?);
                builder.with_client_auth_cert(chain, key).with_context(of)?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Where agents connect.
#[derive(Debug, Clone)]
pub struct Entrance {
    pub url: String,
    /// None for ws://.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Plain or within TLS.
pub type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

impl Entrance {
    /// The line alone, on which nothing was said yet.
    pub async fn connect(&self) -> anyhow::Result<TcpStream> {
        let (host, port) = self.place()?;
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Host and port, as a `Host` header has them.
    pub fn authority(&self) -> anyhow::Result<String> {
        Ok(reqwest::Url::parse(&self.url)?.authority().to_owned())
    }

    fn place(&self) -> anyhow::Result<(String, u16)> {
        let url = reqwest::Url::parse(&self.url)?;
        let host = url.host_str().ok_or_else(|| anyhow!("{} names no host", self.url))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok((host, url.port_or_known_default().unwrap_or_default()))
    }

    /// As `connect`, by a client whose kernel takes few bytes that it does not read. Small buffers are for tests of slow readers.
    pub async fn connect_with_buffer(&self, bytes: u32) -> anyhow::Result<TcpStream> {
        let (host, port) = self.place()?;
        let address = lookup_host((host, port)).await?.next().ok_or_else(|| anyhow!("{} has no address", self.url))?;
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_recv_buffer_size(bytes)?;
        Ok(socket.connect(address).await?)
    }

    pub async fn open(&self) -> anyhow::Result<Stream> {
        self.over(self.connect().await?).await
    }

    /// With the TLS handshake, where there is one.
    pub async fn over(&self, stream: TcpStream) -> anyhow::Result<Stream> {
        let Some(tls) = &self.tls else { return Ok(Either::Left(stream)) };
        let name = rustls::pki_types::ServerName::try_from(self.place()?.0)?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
        Ok(Either::Right(Box::new(stream)))
    }
}
