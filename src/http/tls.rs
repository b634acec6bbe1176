//! TLS of the listeners: certificates from files, which may change while the service runs.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::{TlsFiles, TlsSettings};
use crate::metrics::Metrics;
use crate::tls::Served;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What new connections are met with; those that are open keep what they began with.
pub struct Tls {
    files: TlsFiles,
    in_use: RwLock<Arc<ServerConfig>>,
    metrics: Arc<Metrics>,
}

impl Tls {
    /// `None` where no certificate is set.
    pub fn open(settings: &TlsSettings, metrics: &Arc<Metrics>) -> anyhow::Result<Option<Arc<Self>>> {
        let Some(files) = settings.files() else { return Ok(None) };
        let Served { config, about } = Served::from(&files)?;
        metrics.wire.certificate_ends(about.ends_at);
        Ok(Some(Arc::new(Self { files, in_use: RwLock::new(config), metrics: Arc::clone(metrics) })))
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&*self.in_use.read()))
    }

    /// Looks at the files until the drain. A content that stays for two looks is whole: it is used, or said once to be of no use.
    pub async fn follow_files(self: Arc<Self>, drain: CancellationToken) {
        let mut judged = self.contents().await;
        let mut seen = judged;
        loop {
            tokio::select! {
                () = drain.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let now = self.contents().await;
            if now == seen && now != judged {
                judged = now;
                self.reload();
            }
            seen = now;
        }
    }

    fn reload(&self) {
        match Served::from(&self.files) {
            Ok(Served { config, about }) => {
                *self.in_use.write() = config;
                self.metrics.wire.certificate_ends(about.ends_at);
                self.metrics.wire.reloaded(true);
                info!(tls.names = about.names.join(" "), "the TLS files have changed; new connections see them");
            }
            Err(error) => {
                self.metrics.wire.reloaded(false);
                error!(error = format!("{error:#}"), "the TLS files have changed and are of no use; the old ones stay");
            }
        }
    }

    /// What the files hold, as a number: `None` for one that cannot be read.
    async fn contents(&self) -> u64 {
        let TlsFiles { certificate, key, client_ca } = &self.files;
        let mut hasher = DefaultHasher::new();
        for path in [Some(certificate), Some(key), client_ca.as_ref()].into_iter().flatten() {
            let path: &PathBuf = path;
            let held = tokio::fs::read(path).await.ok();
            let mode = tokio::fs::metadata(path).await.ok().map(|file| mode(&file));
            (held, mode).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// Who may read a file is part of what makes it of use.
fn mode(file: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    file.permissions().mode()
}
