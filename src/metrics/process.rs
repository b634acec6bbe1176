//! What the process itself takes, under the names that every Prometheus client uses; nothing where the system does not tell it as
//! Linux does.

use std::fmt;
use std::fs::read_to_string;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// In which /proc counts time: 100 a second wherever Linux runs today.
const TICKS_A_SECOND: f64 = 100.0;

/// Read whenever it is asked for.
#[derive(Debug)]
pub struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let (stat, status) = (file("/proc/self/stat"), file("/proc/self/status"));
        if let Some(seconds) = cpu_seconds(&stat) {
            let counter = ConstCounter::new(seconds);
            let help = "Time that this process has spent on processors";
            counter.encode(encoder.encode_descriptor(
                "process_cpu",
                help,
                Some(&Unit::Seconds),
                counter.metric_type(),
            )?)?;
        }
        if let Some(bytes) = resident_bytes(&status) {
            let gauge = ConstGauge::new(bytes);
            let help = "Memory of this process that is not paged out";
            let unit = Some(&Unit::Bytes);
            gauge.encode(encoder.encode_descriptor("process_resident_memory", help, unit, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

fn file(path: &str) -> String {
    read_to_string(path).unwrap_or_default()
}

/// User and system time. The name of the program, in parentheses, may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    Some((f64::from(ticks.next()?.ok()?) + f64::from(ticks.next()?.ok()?)) / TICKS_A_SECOND)
}

fn resident_bytes(status: &str) -> Option<i64> {
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?;
    kib.parse::<i64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_memory_are_read_where_linux_says_them() {
        let stat = "7 (a ) name) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(resident_bytes("Name:\tbackstory\nVmRSS:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!((cpu_seconds(""), resident_bytes("")), (None, None));
    }
}
