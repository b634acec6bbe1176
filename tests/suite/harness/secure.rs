//! The servers of `make test` for clients that say who they are: their addresses and certificates, and the commands of
//! docs/security.md that let these clients do what they need.

use std::fs;
use std::path::PathBuf;

/// What every user's password is.
pub const PASSWORD: &str = "a-secret-of-tests";

pub struct Secure {
    folder: PathBuf,
}

impl Secure {
    /// `None`, and said, where the server is somebody's own, or runs in a container.
    pub fn server(name: &str) -> Option<Self> {
        let folder = std::env::var_os("SERVERS_DIR").map(|all| PathBuf::from(all).join(name));
        let secure = folder.filter(|folder| folder.join("certificates").is_dir()).map(|folder| Self { folder });
        if secure.is_none() {
            assert!(std::env::var_os("CI").is_none(), "no {name} of the tests' own speaks TLS here");
            eprintln!("passed over, because no {name} of the tests' own speaks TLS here");
        }
        secure
    }

    /// The path of a certificate or key.
    pub fn file(&self, name: &str) -> String {
        self.folder.join("certificates").join(name).display().to_string()
    }

    /// An address that the server's script wrote down.
    pub fn address(&self, listener: &str) -> String {
        fs::read_to_string(self.folder.join(listener)).unwrap().trim().to_owned()
    }
}

/// What docs/security.md has under this heading, behind this mark.
pub fn documented(heading: &str, mark: &str) -> String {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md")).unwrap();
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let (_, marked) = section.split_once(&format!("<!-- {mark} -->\n```")).expect("the mark");
    let (block, _) = marked.split_once("\n```").expect("the end of the block");
    block.split_once('\n').expect("more than the language").1.to_owned()
}
