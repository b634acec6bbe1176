//! Settings: a file that cannot be used is refused with all of its problems, none of which holds a secret of it; one that can
//! be used says no secret either when it is printed.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use backstory::config::{Layers, Problems, Settings, load_without_kafka};
use backstory_fuzz::good;
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "hunter2hunter2";
/// Both are where secrets belong, so nothing may repeat them, whatever the file says.
const FLAGS: [(&str, &str); 2] = [
    ("kafka.properties.sasl.password", SECRET),
    ("journey.sources.data_cloud.store", "postgres://ana:hunter2hunter2@127.0.0.1/journey?password=hunter2hunter2"),
];
/// librdkafka would load such a library, and reading such a file may never end.
const NOT_HERE: [&str; 3] = ["plugin", "/dev/", "/proc/"];

static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("backstory-fuzz-settings-{}.toml", std::process::id())));

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    if NOT_HERE.iter().any(|name| text.contains(name)) {
        return;
    }
    good(std::fs::write(&*FILE, text), "the file cannot be written");
    let said = match read(&FILE) {
        Ok(settings) => {
            assert!(*settings.calls.open_max <= *settings.kafka.replay_window);
            assert!(settings.journey.interactions_max > 0 && settings.http.frame_bytes_max > 0);
            format!("{settings:?}")
        }
        Err(problems) => {
            assert!(!problems.0.is_empty() && problems.0.iter().all(|problem| !problem.trim().is_empty()));
            problems.to_string()
        }
    };
    assert!(!said.contains(SECRET), "a secret is printed: {said}");
});

fn read(file: &Path) -> Result<Settings, Problems> {
    let flags = FLAGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
    load_without_kafka(&Layers::new(Some(file), &flags)?)
}
