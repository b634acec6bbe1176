//! A Kafka of a test's own, which may stop: others' tests go on with theirs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

pub struct OwnBroker {
    /// From the project's own.
    folder: PathBuf,
    address: String,
    /// One at a time: two that start at once leave everybody else too little of two cores.
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::const_new(());

impl OwnBroker {
    /// `None`, and said, where there is no Java to run it: a container keeps no data when it stops.
    pub async fn start() -> Option<Self> {
        for program in ["java", "mvn"] {
            if Command::new(program).arg("-version").output().is_err() {
                assert!(std::env::var_os("CI").is_none(), "{program} is missing: `make packages`");
                eprintln!("passed over, because {program} is missing, which runs a broker that can be stopped");
                return None;
            }
        }
        let turn = TURN.lock().await;
        // Named and marked as with.sh does, which ends what a test that was killed has left behind.
        static NTH: AtomicUsize = AtomicUsize::new(0);
        let (tests, nth) = (std::process::id(), NTH.fetch_add(1, Ordering::Relaxed));
        let run = format!("build/servers/run-{tests}-{nth}");
        let mark = format!(". tests/servers/process.sh && mkdir -p {run} && remember_process {run} {tests}");
        assert!(Command::new("bash").args(["-c", &mark]).current_dir(root()).status().unwrap().success());
        let mut broker = Self { folder: Path::new(&run).join("kafka"), address: String::new(), _turn: turn };
        broker.address = broker.script(&["start"]).await.trim().to_owned();
        Some(broker)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub async fn stops(&self, at_once: bool) {
        self.script(&["halt", if at_once { "KILL" } else { "TERM" }]).await;
    }

    pub async fn starts_again(&self) {
        self.script(&["resume"]).await;
    }

    async fn script(&self, arguments: &[&str]) -> String {
        let mut command = command(&self.folder);
        command.args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kafka.sh {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("tests/servers/kafka.sh");
    command.env("SERVER_DIR", folder).current_dir(root());
    command
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        _ = command(&self.folder).arg("stop").output();
        _ = std::fs::remove_dir_all(root().join(self.folder.parent().unwrap_or(&self.folder)));
    }
}
