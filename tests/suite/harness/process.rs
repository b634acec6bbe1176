//! `backstory serve` as a process of its own: it can be killed, and live where a process of the tests cannot.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{Agent, Kafka, until};

pub struct Process {
    child: Child,
    folder: TempDir,
    http: reqwest::Client,
}

/// What `serve` is called with, on this store.
pub fn arguments(kafka: &Kafka, store: &str) -> Vec<String> {
    let own = [
        ("http.listen", "127.0.0.1:0"),
        ("http.admin_listen", "127.0.0.1:0"),
        ("journey.store", store),
        // A killed member's partitions are its successor's after this time.
        ("kafka.properties.session.timeout.ms", "6000"),
        ("log.format", "json"),
    ];
    let own = own.into_iter().map(|(key, value)| (key, value.to_owned()));
    let all = own.chain(kafka.settings());
    let set = all.flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
    ["serve".to_owned()].into_iter().chain(set).collect()
}

/// A command that runs in file systems of its own, which go with it, after this shell script has mounted them; `$0` is this folder.
/// Fails where nobody may mount: in a container without that right, or for a user whose kernel lets only root.
pub fn in_file_systems_of_its_own(script: &str, folder: &Path) -> Result<Command, String> {
    let own = |command: &mut Command| {
        let of_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        command.arg("--mount").args(if of_root { &[][..] } else { &["--user", "--map-root-user"] });
    };
    let mut trial = Command::new("unshare");
    own(&mut trial);
    let tried = trial.args(["mount", "-t", "tmpfs", "tmpfs"]).arg(folder).output();
    let tried = tried.map_err(|error| format!("unshare cannot be run: {error}"))?;
    if !tried.status.success() {
        return Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned());
    }
    let mut command = Command::new("unshare");
    own(&mut command);
    command.args(["sh", "-ec", &format!("{script}\nexec \"$@\"")]).arg(folder);
    Ok(command)
}

/// Where tests must not be passed over, this one is not.
pub fn passed_over(test: &str, why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{test}: no file system can be mounted here: {why}");
    eprintln!("{test}: passed over, because no file system can be mounted here: {why}");
}

/// A command, to its end: exit code, what it printed, what it said.
pub async fn backstory(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstory"));
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

impl Process {
    pub fn serve(kafka: &Kafka, store: &str) -> Self {
        Self::serve_with(kafka, store, &[])
    }

    /// As above, with these settings over the tests' own.
    pub fn serve_with(kafka: &Kafka, store: &str, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
        Self::start(Command::new(env!("CARGO_BIN_EXE_backstory")).args(arguments(kafka, store)).args(settings))
    }

    /// Its log is kept.
    pub fn start(command: &mut Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("backstory serve");
        Self { child, folder, http: reqwest::Client::new() }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Lines of the log that hold this field or text.
    pub fn said(&self, what: &str) -> usize {
        self.log().lines().filter(|line| line.contains(what)).count()
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("it was started").is_none()
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
    }

    /// Sends it a signal, by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill can be run").success(), "{name} reaches the process");
    }

    pub async fn ends(&mut self) -> ExitStatus {
        until("the process to end", async || self.child.try_wait().unwrap()).await
    }

    /// A path as the process sees it.
    pub fn sees(&self, path: &Path) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.child.id())).join(path.strip_prefix("/").unwrap())
    }

    /// Where it listens, by the name of the log's field.
    pub async fn address(&self, field: &str) -> SocketAddr {
        until(&format!("{field} in the log"), async || {
            let log = self.log();
            let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.find_map(|line| line[field].as_str().map(|address| address.parse().unwrap()))
        })
        .await
    }

    pub async fn becomes_ready(&self) {
        until("the service to be ready", async || (self.get("/readyz").await.0 == 200).then_some(())).await;
    }

    pub async fn agent(&self, agent_id: &str) -> Agent {
        let socket = Agent::connect(self.address("http.listen").await, &[]).await.expect("a handshake");
        socket.says_hello(serde_json::json!({ "type": "hello", "agent": agent_id, "timeZone": "UTC" })).await
    }

    /// `GET` on the main address: the status, and the body as JSON where it is.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address("http.listen").await);
        let response = self.http.get(url).send().await.expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.address("http.admin_listen").await);
        self.http.get(url).send().await.unwrap().text().await.unwrap()
    }

    /// What became of the last hour's pops.
    pub async fn pops(&self) -> String {
        let url = format!("http://{}/v1/pops", self.address("http.admin_listen").await);
        self.http.get(url).send().await.unwrap().text().await.unwrap()
    }

    /// The sum of the series of `/metrics` that are called so and hold this label.
    pub async fn metric(&self, name: &str, label: &str) -> f64 {
        let text = self.metrics().await;
        let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let series = text.lines().filter(of_name).filter(|line| line.contains(label));
        series.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
