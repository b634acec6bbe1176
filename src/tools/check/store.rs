//! Checks of the store: the SQLite file and its folder, or PostgreSQL and its tables.

use std::fs::{self, OpenOptions};
use std::path::Path;

use super::Finding;
use crate::config::{Journey, StoreAddress};
use crate::journey::{Store, StoreError};

const CHECK: &str = "store";

pub async fn check(settings: &Journey) -> Finding {
    match &settings.store {
        StoreAddress::Sqlite(path) => file(path, settings),
        StoreAddress::Postgres(_) => server(settings).await,
    }
}

async fn server(settings: &Journey) -> Finding {
    let address = settings.store.without_password();
    let ready = match Store::open(settings) {
        Ok(store) => store.ready().await,
        Err(error) => Err(error),
    };
    match ready {
        Ok(()) => Finding::ok(CHECK, format!("{address} answers, and this release works with its tables")),
        Err(error @ StoreError::CannotOpen { .. }) => {
            Finding::fail(CHECK, error.to_string(), "backstory migrate, by a user who may make tables")
        }
        Err(error) => Finding::fail(
            CHECK,
            format!("{address}: {error}"),
            "see that it runs, and that journey.store names it and a user it lets in",
        ),
    }
}

/// Opens the store where there is one; a check makes none.
fn file(path: &Path, settings: &Journey) -> Finding {
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
    match Store::open(settings) {
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

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::config::{Layers, load_without_kafka};

    async fn found(path: &Path) -> Finding {
        let store = ("journey.store".to_owned(), format!("sqlite:{}", path.display()));
        let layers = Layers::new(None, &[store]).unwrap();
        check(&load_without_kafka(&layers).unwrap().journey).await
    }

    #[tokio::test]
    async fn a_store_that_is_not_there_is_not_made_by_a_check() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journey.db");
        assert_eq!(found(&path).await.state, State::Ok);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_no_store_fails_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "these are my notes, and no SQLite file, however long they are".repeat(100)).unwrap();
        for bad in [path.as_path(), &folder.path().join("nowhere/journey.db")] {
            let finding = found(bad).await;
            assert!(finding.state == State::Fail && finding.todo.is_some(), "{finding:?}");
        }
    }
}
