//! This program as others run it: an import to be timed, and a service whose memory is watched.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::history;
use super::machine::anonymous_kib;
use crate::config::{Layers, load_without_kafka};
use crate::tools::progress::Progress;
use crate::tools::service::RunningService;
use crate::tools::trust::Trust;

const START_LIMIT: Duration = Duration::from_secs(30);
/// More than the service looks up at a time.
const ASKING_MAX: usize = 16;
/// Between two looks at its memory.
const LOOK_EVERY: u64 = 256;

pub fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("this program's own file cannot be found")
}

/// Its store, as in the settings, is told by a variable: who lists processes sees no password.
fn on_store(program: &Path, store: &str) -> Command {
    let mut command = Command::new(program);
    command.env("BACKSTORY_JOURNEY__STORE", store);
    command
}

/// How long `backstory import` takes for a file.
pub async fn import(file: &Path, store: &str) -> anyhow::Result<Duration> {
    import_by(&this_program()?, file, store).await
}

/// As above, by another release: a store is read by the release that wrote it.
pub async fn import_by(program: &Path, file: &Path, store: &str) -> anyhow::Result<Duration> {
    let mut command = on_store(program, store);
    command.arg("import").arg(file);
    let started = Instant::now();
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let took = started.elapsed();
    if !output.status.success() {
        bail!("the import failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(took)
}

/// The most memory, in KiB and without the page cache, that a service had while it answered so many look-ups.
pub async fn memory_of_a_service(store: &str, customers: u32, lookups: u32) -> anyhow::Result<u64> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let listen = format!("http.listen=127.0.0.1:{port}");
    let mut command = on_store(&this_program()?, store);
    command.args([
        "--set",
        "kafka.brokers=embedded",
        "--set",
        &listen,
        "--set",
        "http.admin_listen=127.0.0.1:0",
        "serve",
    ]);
    let mut service = Service(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?);
    let url = format!("http://127.0.0.1:{port}");
    let asked = RunningService::at(Some(&url), &load_without_kafka(&Layers::new(None, &[])?)?, &Trust::default())?;
    service.ready(&asked).await?;
    let mut most = service.memory_kib();
    let mut progress = Progress::of_things(lookups.into(), "look-ups");
    let random = (0..lookups).map(|_| history::number(rand::random_range(0..customers)));
    let answers = random.map(|number| {
        let asked = &asked;
        async move { asked.get(&["v1", "journeys", &number], &[]).await }
    });
    let mut answers = stream::iter(answers).buffer_unordered(ASKING_MAX);
    let mut answered = 0;
    while answers.try_next().await?.is_some() {
        answered += 1;
        if answered % LOOK_EVERY == 0 {
            most = most.max(service.memory_kib());
            progress.at(answered, answered);
        }
    }
    progress.finish();
    most = most.max(service.memory_kib());
    ensure!(most > 0, "this system does not tell a process's memory as Linux does (RssAnon in /proc/…/status)");
    Ok(most)
}

/// Ended when dropped.
struct Service(Child);

impl Service {
    async fn ready(&mut self, asked: &RunningService) -> anyhow::Result<()> {
        let started = Instant::now();
        while asked.get(&["readyz"], &[]).await.is_err() {
            if let Some(status) = self.0.try_wait()? {
                bail!("the service did not start ({status})");
            }
            if started.elapsed() > START_LIMIT {
                bail!("the service was not ready within {} s", START_LIMIT.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn memory_kib(&self) -> u64 {
        anonymous_kib(self.0.id())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}
