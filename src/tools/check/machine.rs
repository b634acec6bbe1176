//! Checks of this machine: the store's file and folder, and the addresses to listen on.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use super::Finding;
use crate::journey::Store;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens the store where there is one; a check makes none.
pub fn store(path: &Path) -> Finding {
    const CHECK: &str = "store";
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let todo = format!("make it (mkdir -p {}), or name another place in journey.store", folder.display());
        return Finding::fail(CHECK, format!("there is no folder {}", folder.display()), todo);
    }
    if let Err(error) = try_writing(folder) {
        // SQLite writes beside its file: a writable file in a folder that is not is of no use.
        let todo = "give the service's user the right to write there, or name another place in journey.store";
        return Finding::fail(CHECK, format!("the folder {} cannot be written: {error}", folder.display()), todo);
    }
    if !path.exists() {
        return Finding::ok(CHECK, format!("{} will be made at the first start", path.display()));
    }
    match Store::open(path, 1) {
        Ok(_) => Finding::ok(CHECK, format!("{} opens", path.display())),
        Err(error) => {
            Finding::fail(CHECK, error.to_string(), "name another file in journey.store, or move this one away")
        }
    }
}

fn try_writing(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".backstory-check-{:016x}", rand::random::<u64>()));
    OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(probe)
}

/// Free, or taken by a service of ours.
pub async fn listen(key: &str, address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(key, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if alive(address).await {
                return Finding::ok(key, format!("a service answers at {address} already"));
            }
            let todo = format!("stop the other program, or set {key} to another port");
            Finding::fail(key, format!("{address} is taken by another program"), todo)
        }
        Err(error) => {
            Finding::fail(key, format!("{address}: {error}"), format!("set {key} to an address of this machine"))
        }
    }
}

async fn alive(address: SocketAddr) -> bool {
    let Ok(client) = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build() else { return false };
    let Ok(answer) = client.get(format!("http://{address}/livez")).send().await else { return false };
    answer.status().is_success() && answer.text().await.is_ok_and(|body| body.trim() == "alive")
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_store_that_is_not_there_is_not_made_by_a_check() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journey.db");
        assert_eq!(store(&path).state, State::Ok);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_store_fails_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "these are my notes, and no SQLite file, however long they are".repeat(100)).unwrap();
        for bad in [path.as_path(), &folder.path().join("nowhere/journey.db")] {
            let finding = store(bad);
            assert!(finding.state == State::Fail && finding.todo.is_some(), "{finding:?}");
        }
    }

    #[tokio::test]
    async fn an_address_that_another_program_has_fails() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(listen("http.listen", taken.local_addr().unwrap()).await.state, State::Fail);
    }
}
