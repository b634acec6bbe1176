//! What is counted where strangers come in: connections that are turned away or wait, and the certificate.

use std::sync::atomic::AtomicI64;

use chrono::Utc;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::Labels;

/// Why a connection is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// `http.connections_per_address_max` are open.
    PerAddress,
    /// More than `http.handshakes_per_second_per_address_max` come.
    Rate,
    /// The oldest of those that were no session yet made room for a new one.
    Pending,
}

impl Refused {
    pub fn name(self) -> &'static str {
        match self {
            Self::PerAddress => "per_address",
            Self::Rate => "rate",
            Self::Pending => "pending",
        }
    }

    /// The setting that bounds it.
    pub fn limit(self) -> &'static str {
        match self {
            Self::PerAddress => "http.connections_per_address_max",
            Self::Rate => "http.handshakes_per_second_per_address_max",
            Self::Pending => "http.pending_max",
        }
    }
}

/// Why an answer is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerRefused {
    /// `http.answers_per_identity_bytes_max` are held for this client.
    PerIdentity,
    /// `http.answers_bytes_max` are held for all, or too many wait for a look-up.
    All,
}

/// What the kernel's queue waits for.
#[derive(Debug, Clone, Copy)]
pub enum Waited {
    /// `http.connections_max` are open.
    Connections,
    /// `http.handshakes_per_second_max` have come.
    Rate,
}

/// How a TLS handshake ended.
#[derive(Debug, Clone, Copy)]
pub enum Handshake {
    Done,
    Failed,
    Late,
}

#[derive(Default)]
pub struct Wire {
    refused: Family<Labels<1>, Counter>,
    waited: Family<Labels<1>, Counter>,
    answer_bytes: Gauge,
    answers_refused: Family<Labels<1>, Counter>,
    handshakes: Family<Labels<1>, Counter>,
    reloads: Family<Labels<1>, Counter>,
    expiry: Gauge<i64, AtomicI64>,
    /// Unix seconds; 0 without TLS.
    ends_at: AtomicI64,
}

impl Wire {
    pub(super) fn register(&self, registry: &mut Registry) {
        let refused = "Connections that were not served, by the limit that they met";
        registry.register("connections_refused", refused, self.refused.clone());
        let waited = "Times that new connections had to wait in the kernel's queue, by the limit that was met";
        registry.register("accepts_delayed", waited, self.waited.clone());
        let bytes = "Bytes of answers of the API that are being made, or not written to their sockets yet";
        registry.register("http_answer_bytes", bytes, self.answer_bytes.clone());
        let refused = "Answers of the API that were not given, by the limit that they met";
        registry.register("http_answers_refused", refused, self.answers_refused.clone());
        registry.register("tls_handshakes", "TLS handshakes by how they ended", self.handshakes.clone());
        let reloads = "Changes of the TLS files by what became of them (failed: the old certificate stays)";
        registry.register("tls_reloads", reloads, self.reloads.clone());
        let expiry = "Time until the TLS certificate in use expires; 0 without TLS";
        registry.register_with_unit("tls_certificate_expiry", expiry, Unit::Seconds, self.expiry.clone());
    }

    pub fn refused(&self, why: Refused) {
        self.refused.get_or_create(&[("reason", why.name().to_owned())]).inc();
    }

    pub fn waited(&self, what: Waited) {
        let limit = match what {
            Waited::Connections => "connections_max",
            Waited::Rate => "handshakes_per_second_max",
        };
        self.waited.get_or_create(&[("limit", limit.to_owned())]).inc();
    }

    pub fn answer_bytes(&self, bytes: usize) {
        self.answer_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub fn answer_refused(&self, why: AnswerRefused) {
        let reason = match why {
            AnswerRefused::PerIdentity => "per_identity",
            AnswerRefused::All => "all",
        };
        self.answers_refused.get_or_create(&[("reason", reason.to_owned())]).inc();
    }

    pub fn handshake(&self, how: Handshake) {
        let result = match how {
            Handshake::Done => "done",
            Handshake::Failed => "failed",
            Handshake::Late => "late",
        };
        self.handshakes.get_or_create(&[("result", result.to_owned())]).inc();
    }

    /// The files have changed, and are in use or not.
    pub fn reloaded(&self, in_use: bool) {
        let result = if in_use { "done" } else { "failed" };
        self.reloads.get_or_create(&[("result", result.to_owned())]).inc();
    }

    pub fn certificate_ends(&self, unix_seconds: i64) {
        self.ends_at.store(unix_seconds, std::sync::atomic::Ordering::Relaxed);
    }

    pub(super) fn refresh(&self) {
        let ends_at = self.ends_at.load(std::sync::atomic::Ordering::Relaxed);
        self.expiry.set(if ends_at == 0 { 0 } else { ends_at - Utc::now().timestamp() });
    }
}
