//! The machine on which something was measured, as far as it tells.

use std::fs::read_to_string;
use std::path::Path;

use serde_json::{Value, json};

use crate::tools::output::thousands;

pub struct Machine {
    cores: usize,
    cpu: String,
    memory_mib: u64,
    file_system: String,
}

impl Machine {
    /// This one; the file system is the folder's.
    pub fn of(folder: &Path) -> Self {
        let file = |path: &str| read_to_string(path).unwrap_or_default();
        let cpu = field(&file("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu,
            memory_mib: kib(&file("/proc/meminfo"), "MemTotal") / 1024,
            file_system: file_system(&file("/proc/mounts"), &folder).unwrap_or_else(|| "unknown".into()),
        }
    }

    pub fn text(&self) -> String {
        let Self { cores, cpu, memory_mib, file_system } = self;
        format!("{cores} cores ({cpu}), {} MiB of memory, file system {file_system}", thousands(*memory_mib))
    }

    pub fn json(&self) -> Value {
        json!({ "cores": self.cores, "cpu": self.cpu, "memoryMiB": self.memory_mib, "fileSystem": self.file_system })
    }
}

/// Memory of a process that is not the page cache's, in KiB.
pub fn anonymous_kib(process: u32) -> u64 {
    kib(&read_to_string(format!("/proc/{process}/status")).unwrap_or_default(), "RssAnon")
}

/// Resident memory of a process in KiB: all of it (with pages of mapped files), and what is anonymous of it. Zeros where the
/// system has no /proc.
pub fn resident_kib(process: u32) -> [u64; 2] {
    let status = read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    ["VmRSS", "RssAnon"].map(|name| kib(&status, name))
}

/// CPU time of a process in ticks of 10 ms, in user and kernel mode together. `None` where the system has no /proc.
pub fn cpu_ticks(process: u32) -> Option<u64> {
    ticks(&read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The name, in brackets, may hold blanks and brackets itself.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
    Some(times.next()? + times.next()?)
}

fn field(text: &str, name: &str) -> Option<String> {
    let (_, value) = text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

fn kib(text: &str, name: &str) -> u64 {
    field(text, name).and_then(|value| value.strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// Of the innermost mount that holds the folder.
fn file_system(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut parts = line.split(' ').skip(1);
        Some((parts.next()?, parts.next()?))
    });
    let holding = mounts.filter(|(point, _)| folder.starts_with(point));
    holding.max_by_key(|(point, _)| point.len()).map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_that_of_the_innermost_mount() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nproc /proc proc rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/tmp/x")).as_deref(), Some("tmpfs"));
        assert_eq!(file_system(mounts, Path::new("/tmpx")).as_deref(), Some("ext4"));
    }

    #[test]
    fn cpu_time_is_that_of_user_and_kernel_mode() {
        assert_eq!(ticks("7 (a ) b) S 1 7 7 0 -1 4194560 100 200 0 0 31 11 5 6 20 0 9 0 1 2 3"), Some(42));
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn sizes_are_read_by_their_names() {
        let status = "Name:\tbackstory\nVmRSS:\t  900 kB\nRssAnon:\t     512 kB\n";
        assert_eq!(kib(status, "RssAnon"), 512);
        assert_eq!(kib(status, "RssShmem"), 0);
    }
}
