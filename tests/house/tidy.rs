//! Who may import whom, which file may know which library, heads and lengths of files.

use std::path::{Path, PathBuf};

use backstory::journey::catalogue::{COLORS, ICONS};

const FILE_LINES_MAX: usize = 400;

pub fn files(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty(), "no {ending} files under {folder}");
    found
}

/// The code of a file, without its unit tests.
fn code_files() -> Vec<(String, String)> {
    let files = files("src", "rs").into_iter().map(|(path, text)| (path.display().to_string(), text));
    files.filter(|(path, _)| !path.ends_with("tests.rs") && !path.contains("/tests/")).collect()
}

fn offenders(allowed: &[&str], named: &[&str]) -> Vec<String> {
    let knows = |text: &str| {
        text.lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .any(|line| named.iter().any(|name| line.contains(name)))
    };
    let files = code_files();
    for prefix in allowed {
        assert!(files.iter().any(|(path, _)| path.starts_with(prefix)), "the rule names {prefix}, which is not there");
    }
    let strangers = files.into_iter().filter(|(path, _)| !allowed.iter().any(|prefix| path.starts_with(prefix)));
    strangers.filter(|(_, text)| knows(text)).map(|(path, _)| path).collect()
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    for (path, text) in ["src", "tests", "fuzz"].into_iter().flat_map(|folder| files(folder, "rs")) {
        assert!(text.starts_with("//! "), "{} does not open with //!", path.display());
    }
}

#[test]
fn no_file_grows_beyond_what_one_reads_in_one_go() {
    for (path, text) in files("src", "rs").into_iter().chain(files("widget/src", "ts")) {
        assert!(text.lines().count() <= FILE_LINES_MAX, "{} has more than {FILE_LINES_MAX} lines", path.display());
    }
}

/// arrival → journey → push, and back to none of them: they meet in `screen_pop`.
#[test]
fn the_folders_of_the_way_import_only_words_of_those_before_them() {
    let imports = |folder: &str, others: &[&str]| {
        for (path, text) in code_files().iter().filter(|(path, _)| path.starts_with(folder)) {
            for other in others {
                assert!(!text.contains(other), "{path} imports {other}");
            }
        }
    };
    let meeting = ["crate::screen_pop", "crate::serve", "crate::http", "crate::tools"];
    imports(
        "src/arrival",
        &[&meeting[..], &["crate::push", "journey::store", "journey::recorder", "journey::timeline"]].concat(),
    );
    imports("src/journey", &[&meeting[..], &["crate::push", "crate::arrival"]].concat());
    imports(
        "src/push",
        &[
            &meeting[..],
            &["journey::store", "journey::recorder", "journey::embedded", "journey::Store", "crate::kafka"],
        ]
        .concat(),
    );
}

#[test]
fn each_library_has_its_door() {
    let door = |library: &str, allowed: &[&str]| {
        let strangers = offenders(allowed, &[&format!("use {library}"), &format!("{library}::")]);
        assert!(strangers.is_empty(), "{library} is known to {strangers:?}");
    };
    door("rusqlite", &["src/journey/embedded/", "src/journey/store.rs"]);
    door("hmac", &["src/journey/erasure.rs"]);
    door("sha2", &["src/journey/erasure.rs"]);
    door("tokio_postgres", &["src/journey/postgres/", "src/journey/store.rs", "src/tools/bench/"]);
    door("deadpool_postgres", &["src/journey/postgres/"]);
    door("tokio_postgres_rustls", &["src/journey/postgres/tls.rs"]);
    door("rdkafka", &["src/kafka/", "src/config/properties.rs", "src/tools/"]);
    door("base64", &["src/kafka/told.rs"]);
    door("rlibphonenumber", &["src/phone.rs", "src/config/kinds.rs", "src/journey/", "src/tools/"]);
    door("tokio_tungstenite", &["src/push/line.rs", "src/http/upgrade.rs", "src/tools/"]);
    door("rustls", &["src/tls.rs", "src/http/tls.rs", "src/journey/postgres/tls.rs", "src/tools/"]);
    door("x509_cert", &["src/tls.rs"]);
    door("ipnet", &["src/http/gate.rs", "src/config/"]);
    door("figment", &["src/config/", "src/tools/config.rs"]);
    door("jsonwebtoken", &["src/auth/"]);
    door("reqwest", &["src/auth/keyring.rs", "src/config/auth.rs", "src/tools/"]);
    door("axum", &["src/http/"]);
    door("prometheus_client", &["src/metrics.rs", "src/metrics/", "src/kafka/"]);
}

/// Settings name them, the element draws them.
#[test]
fn the_icons_and_colours_of_the_catalogue_are_those_of_the_element() {
    let read = |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (icons, colors) = (read("widget/src/icons.ts"), read("widget/src/views/interaction.ts"));
    for icon in ICONS {
        assert!(icons.contains(&format!("\n  {icon}: svg`")), "the element has no icon {icon}");
    }
    let quoted: Vec<String> = COLORS.iter().map(|color| format!("\"{color}\"")).collect();
    assert!(colors.contains(&format!("new Set([{}])", quoted.join(", "))), "the element has other colours");
}

/// But for `NO_COLOR`, which is a convention among terminals and no setting.
#[test]
fn the_environment_is_read_in_one_place() {
    let strangers = offenders(&["src/config/", "src/tools/output.rs"], &["env::var", "Env::"]);
    assert!(strangers.is_empty(), "the environment is read in {strangers:?}");
}

/// `expect` is a lint; `unsafe` is forbidden; this finds what lints do not.
#[test]
fn nothing_is_left_open() {
    for (path, text) in files("src", "rs").into_iter().chain(files("widget/src", "ts")) {
        for mark in
            ["TODO", "FIXME", "XXX", "HACK", "unimplemented!", "allow(clippy::unwrap_used", "allow(clippy::expect_used"]
        {
            assert!(!text.contains(mark), "{} contains {mark}", path.display());
        }
    }
}
