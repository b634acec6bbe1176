//! `[http]`: who may come, how many, how fast, and under which certificate.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

use super::Span;

#[derive(Debug, Clone, Deserialize)]
pub struct Http {
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub hosts: Vec<String>,
    pub origins: Vec<String>,
    pub embedded_by: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub forwarded_header: ForwardedHeader,
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    pub pending_max: usize,
    pub handshakes_per_second_max: usize,
    pub handshakes_per_second_per_address_max: usize,
    pub header_timeout: Span,
    pub header_bytes_max: usize,
    pub body_bytes_max: usize,
    pub idle_timeout: Span,
    pub hello_timeout: Span,
    pub frame_bytes_max: usize,
    pub frames_per_second_max: usize,
    pub sessions_per_agent_max: usize,
    pub subscribed_agents_max: usize,
    pub outbox_frames_max: usize,
    pub outbox_bytes_max: usize,
    pub outboxes_bytes_max: usize,
    pub unacknowledged_bytes_max: usize,
    pub write_timeout: Span,
    pub answers_bytes_max: usize,
    pub answers_per_identity_bytes_max: usize,
    pub heartbeat: Span,
    pub tls: TlsSettings,
}

/// `[http.tls]` as it is said.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct TlsSettings {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub client_ca: Option<PathBuf>,
    /// Whether the admin address speaks it, too.
    pub admin: bool,
}

/// The files of a service that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub client_ca: Option<PathBuf>,
}

impl TlsSettings {
    pub fn files(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.certificate.clone()?, self.key.clone()?);
        Some(TlsFiles { certificate, key, client_ca: self.client_ca.clone() })
    }

    /// What no value shows by itself.
    pub(super) fn check_together(&self, problems: &mut Vec<String>) {
        if self.certificate.is_some() != self.key.is_some() {
            problems.push("http.tls.certificate and http.tls.key belong together: set both, or none".into());
        }
        if self.client_ca.is_some() && self.certificate.is_none() {
            problems.push("http.tls.client_ca asks clients for certificates: http.tls.certificate is missing".into());
        }
    }
}

/// Which header a trusted proxy writes the client's address into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    XForwardedFor,
    Forwarded,
}

impl ForwardedHeader {
    pub fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}
