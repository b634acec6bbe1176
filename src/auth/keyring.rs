//! The keys in force: looked up anew every so often, and when a token names one that is not known; never more often than said.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::keys::{BadKeys, KeySet};
use crate::config::{Auth, JwksUrl};
use crate::metrics::Metrics;

/// Files are small, and whoever changes them waits.
const FILES_EVERY: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A key is about half a KB, with its certificates a few.
const ANSWER_BYTES_MAX: usize = 512 * 1024;

pub struct Keyring {
    files: RwLock<Arc<KeySet>>,
    of_provider: RwLock<Arc<KeySet>>,
    paths: Vec<PathBuf>,
    provider: Option<Provider>,
    refresh: Duration,
    refresh_min: Duration,
    looked: Mutex<Looked>,
    metrics: Arc<Metrics>,
}

/// Held while somebody looks: whoever wants to look meanwhile waits for what is found.
#[derive(Default)]
struct Looked {
    /// When it was last begun.
    at: Option<Instant>,
    /// As they were read last, usable or not.
    files: Vec<Vec<u8>>,
    /// The provider did not answer as it should; said once.
    provider_fails: bool,
}

/// Where the identity provider publishes its keys.
pub struct Provider {
    url: JwksUrl,
    client: reqwest::Client,
}

/// Why the provider's keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum NoKeys {
    #[error("{0}")]
    Unreachable(String),
    #[error("it answered {0}")]
    Status(reqwest::StatusCode),
    #[error("its answer is larger than {} bytes", ANSWER_BYTES_MAX)]
    TooLarge,
    #[error(transparent)]
    Bad(#[from] BadKeys),
}

impl Provider {
    pub fn at(url: &JwksUrl) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            // Keys that stand elsewhere than the administrator said are nobody's.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT);
        // On this machine there is no proxy to pass and no certificate to look at.
        let client = if url.is_plain() { client.no_proxy().tls_certs_only([]) } else { client.https_only(true) };
        Ok(Self { url: url.clone(), client: client.build()? })
    }

    pub async fn keys(&self) -> Result<KeySet, NoKeys> {
        let mut answer = self.client.get(self.url.get().clone()).send().await.map_err(unreachable)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(NoKeys::Status(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(NoKeys::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(KeySet::of_jwks(&body)?)
    }
}

/// The library's words stop short of the cause.
fn unreachable(error: reqwest::Error) -> NoKeys {
    NoKeys::Unreachable(format!("{:#}", anyhow::Error::from(error.without_url())))
}

impl Keyring {
    pub fn open(settings: &Auth, metrics: Arc<Metrics>) -> reqwest::Result<Self> {
        Ok(Self {
            files: RwLock::default(),
            of_provider: RwLock::default(),
            paths: settings.keys.clone(),
            provider: settings.jwks_url.as_ref().map(Provider::at).transpose()?,
            refresh: *settings.jwks_refresh,
            refresh_min: *settings.jwks_refresh_min,
            looked: Mutex::default(),
            metrics,
        })
    }

    /// As they are at this moment.
    pub fn keys(&self) -> [Arc<KeySet>; 2] {
        [Arc::clone(&self.files.read()), Arc::clone(&self.of_provider.read())]
    }

    /// Looks for a key that is not known, unless that was done just before: then, and where the provider does not answer, it is
    /// not certain that there is none. However many ask, there is one look in `jwks_refresh_min`, and they share it.
    pub async fn look_again(&self, asked: Instant) -> bool {
        let mut looked = self.looked.lock().await;
        match looked.at {
            Some(at) if at >= asked => {}
            Some(at) if at.elapsed() < self.refresh_min => return false,
            _ => self.look(&mut looked).await,
        }
        !looked.provider_fails
    }

    /// Keeps them current, until it is dropped.
    pub async fn keep(&self) {
        tokio::join!(self.follow_files(), self.follow_provider());
    }

    async fn follow_files(&self) {
        while !self.paths.is_empty() {
            self.read_files(&mut *self.looked.lock().await).await;
            sleep(FILES_EVERY).await;
        }
    }

    async fn follow_provider(&self) {
        while self.provider.is_some() {
            let fails = {
                let mut looked = self.looked.lock().await;
                self.look(&mut looked).await;
                looked.provider_fails
            };
            sleep(if fails { self.refresh_min } else { self.refresh }).await;
        }
    }

    async fn look(&self, looked: &mut Looked) {
        looked.at = Some(Instant::now());
        self.read_files(looked).await;
        let Some(provider) = &self.provider else { return };
        let found = provider.keys().await;
        self.metrics.jwks_fetched(if found.is_ok() { "ok" } else { "failed" });
        match found {
            Ok(keys) => {
                let none_before = self.of_provider.read().is_empty();
                if looked.provider_fails || none_before {
                    info!(keys = keys.len(), passed_over = keys.passed_over, "the identity provider's keys are there");
                }
                looked.provider_fails = false;
                *self.of_provider.write() = Arc::new(keys);
            }
            Err(why) => {
                if !looked.provider_fails {
                    self.say_missing(&why);
                }
                looked.provider_fails = true;
            }
        }
    }

    fn say_missing(&self, why: &NoKeys) {
        let [files, of_provider] = self.keys();
        if files.is_empty() && of_provider.is_empty() {
            error!(error = %why, "the identity provider's keys cannot be had (auth.jwks_url): every token is refused until they are there");
        } else {
            warn!(error = %why, "the identity provider's keys cannot be had (auth.jwks_url): those that are known stay");
        }
    }

    /// Files that cannot be used leave in force what was read before.
    async fn read_files(&self, looked: &mut Looked) {
        if self.paths.is_empty() {
            return;
        }
        let mut files = Vec::new();
        for path in &self.paths {
            // What cannot be read is as good as empty: it is said below, once.
            files.push(tokio::fs::read(path).await.unwrap_or_default());
        }
        if files == looked.files {
            return;
        }
        match files.iter().map(|bytes| KeySet::of_file(bytes)).collect::<Result<Vec<_>, _>>() {
            Ok(sets) => {
                let keys = KeySet::joined(sets);
                info!(keys = keys.len(), passed_over = keys.passed_over, "the files of auth.keys were read");
                *self.files.write() = Arc::new(keys);
            }
            Err(why) => error!(error = %why, "a file of auth.keys cannot be used: the keys that are known stay"),
        }
        looked.files = files;
    }
}
