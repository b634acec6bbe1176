//! The audit's file: JSON Lines, appended to, readable by its owner alone, made anew where it was moved away.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

/// For whom it may be read: whole numbers are in it.
const MODE: u32 = 0o600;

pub struct AuditFile {
    path: PathBuf,
    open: File,
    /// The last write ended somewhere within a line.
    torn: bool,
}

impl AuditFile {
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let open = append_to(&path)?;
        Ok(Self { path, open, torn: false })
    }

    /// Whole lines, with what ends them.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.was_moved()? {
            self.open = append_to(&self.path)?;
            self.torn = false;
        }
        if self.torn {
            self.open.write_all(b"\n")?;
        }
        self.torn = true;
        self.open.write_all(lines)?;
        self.torn = false;
        Ok(())
    }

    fn was_moved(&self) -> io::Result<bool> {
        let which = |file: &Metadata| (file.dev(), file.ino());
        match std::fs::metadata(&self.path) {
            Ok(there) => Ok(which(&there) != which(&self.open.metadata()?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

fn append_to(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(MODE).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_that_was_moved_away_is_made_anew_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(path.clone()).unwrap();
        file.append(b"1\n2\n").unwrap();
        std::fs::rename(&path, folder.path().join("audit.1")).unwrap();
        file.append(b"3\n").unwrap();
        file.append(b"4\n").unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("audit.1")).unwrap(), "1\n2\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "3\n4\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_there_already_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, "0\n").unwrap();
        AuditFile::open(path.clone()).unwrap().append(b"1\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "0\n1\n");
    }

    #[test]
    fn a_line_that_was_torn_does_not_spoil_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let mut file = AuditFile::open(path.clone()).unwrap();
        file.append(b"{\"half\":").unwrap();
        file.torn = true;
        file.append(b"1\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"half\":\n1\n");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        assert!(AuditFile::open("/dev/full".into()).unwrap().append(b"1\n").is_err());
    }
}
