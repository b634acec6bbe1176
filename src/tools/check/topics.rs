//! How a topic should be kept, by what it is for; and what there is to say of how it is kept.

use std::collections::HashMap;

use super::Finding;

pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a topic of erasures that is made here keeps them.
pub const ERASURES_MS: i64 = 90 * DAY_MS;
/// How the broker stamps records; its own clock is what age is best counted from.
pub const TIME_TYPE: &str = "message.timestamp.type";
pub const APPEND_TIME: &str = "LogAppendTime";

/// What a topic is for decides how it should be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Events, for as long as a starting node reads back.
    Calls { window_ms: i64 },
    /// The newest record of each key, for ever.
    History,
    /// For as long as a node or a backup may have to catch up; longer, they would name for ever who is to be forgotten.
    Erasures,
    /// For as long as somebody may ask what became of a pop.
    Ledger { retention_ms: i64 },
    /// For as long as somebody may have to prove who saw what.
    Audit { retention_ms: i64 },
}

impl Keeps {
    /// Written by the service, and read by people who ask.
    pub fn is_written(self) -> bool {
        matches!(self, Self::Ledger { .. } | Self::Audit { .. })
    }

    /// There is no such topic.
    pub fn absent(self, check: &str, todo: String) -> Finding {
        match self {
            Self::Ledger { .. } => {
                let text = "there is no such topic: pops go out, but `backstory why` has nothing to read";
                Finding::warn(check, text, todo)
            }
            Self::Audit { .. } => {
                let text = "there is no such topic: who sees what is written nowhere but to audit.file";
                Finding::warn(check, text, todo)
            }
            Self::Calls { .. } | Self::History | Self::Erasures => Finding::fail(check, "there is no such topic", todo),
        }
    }

    /// `there`: partitions, in words; `config`: the brokers' settings for it.
    pub fn judge(self, check: &str, there: &str, config: &HashMap<String, String>) -> Vec<Finding> {
        match self {
            Self::Calls { window_ms } => judge_calls(check, there, config, window_ms),
            Self::History => judge_history(check, there, config),
            Self::Erasures => vec![judge_erasures(check, there, config)],
            Self::Ledger { retention_ms } => vec![judge_ledger(check, there, config, retention_ms)],
            Self::Audit { retention_ms } => vec![judge_audit(check, there, config, retention_ms)],
        }
    }
}

fn judge_calls(check: &str, there: &str, config: &HashMap<String, String>, window_ms: i64) -> Vec<Finding> {
    let retention_ms = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
    let kept = if retention_ms < 0 { "for ever".into() } else { format!("for {}", span(retention_ms)) };
    let mut findings = Vec::new();
    if (0..window_ms).contains(&retention_ms) {
        let todo = format!("set the topic's retention.ms to at least {window_ms}, or kafka.replay_window lower");
        let text = format!(
            "{there}, kept {kept}: less than kafka.replay_window ({}), so a restart forgets open calls",
            span(window_ms)
        );
        findings.push(Finding::fail(check, text, todo));
    }
    if config.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")) {
        let text = "compaction keeps only each agent's last event, so a restart forgets the other open calls";
        findings.push(Finding::fail(check, text, "set the topic's cleanup.policy to delete"));
    }
    if config.get(TIME_TYPE).is_some_and(|kind| kind != APPEND_TIME) {
        let text = "records carry their producers' times: a telephone system whose clock is wrong makes calls look old";
        findings.push(Finding::warn(check, text, format!("set the topic's {TIME_TYPE} to {APPEND_TIME}")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(check, format!("{there}, kept {kept}")));
    }
    findings
}

fn judge_history(check: &str, there: &str, config: &HashMap<String, String>) -> Vec<Finding> {
    let retention_ms = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
    match config.get("cleanup.policy").map(String::as_str) {
        Some("compact") => {
            vec![Finding::ok(check, format!("{there}, compacted: the newest record of each key is kept"))]
        }
        Some(policy) if retention_ms >= 0 || policy.contains("compact") => {
            let text = format!(
                "{there}, but records are dropped after {}: a new node would not know them",
                span(retention_ms)
            );
            vec![Finding::warn(check, text, "set the topic's cleanup.policy to compact and its retention.ms to -1")]
        }
        _ => {
            let text = format!("{there}, every record kept for ever");
            vec![Finding::warn(
                check,
                text,
                "set the topic's cleanup.policy to compact: the newest record of each key is enough",
            )]
        }
    }
}

fn judge_erasures(check: &str, there: &str, config: &HashMap<String, String>) -> Finding {
    let todo = format!("set the topic's cleanup.policy to delete and its retention.ms to {ERASURES_MS}");
    let retention_ms = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
    if retention_ms < 0 || config.get("cleanup.policy").is_some_and(|policy| policy == "compact") {
        let text = format!("{there}, kept for ever: it names those who are to be forgotten");
        return Finding::warn(check, text, todo);
    }
    let text = format!("{there}, kept for {}", span(retention_ms));
    if retention_ms < 7 * DAY_MS {
        return Finding::warn(check, format!("{text}: a node that was away longer would not hear of them"), todo);
    }
    Finding::ok(check, text)
}

fn judge_ledger(check: &str, there: &str, config: &HashMap<String, String>, wanted_ms: i64) -> Finding {
    let todo =
        format!("set the topic's cleanup.policy to delete and its retention.ms to {wanted_ms} (ledger.retention)");
    let retention_ms = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
    if config.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")) {
        let text = format!("{there}, compacted: when a node was alive cannot be told from its last line alone");
        return Finding::warn(check, text, todo);
    }
    if retention_ms < 0 {
        return Finding::warn(check, format!("{there}, kept for ever: it grows with every pop"), todo);
    }
    Finding::ok(check, format!("{there}, kept for {}", span(retention_ms)))
}

fn judge_audit(check: &str, there: &str, config: &HashMap<String, String>, wanted_ms: i64) -> Finding {
    let todo =
        format!("set the topic's cleanup.policy to delete and its retention.ms to {wanted_ms} (audit.retention)");
    let retention_ms = config.get("retention.ms").and_then(|text| text.parse::<i64>().ok()).unwrap_or(-1);
    if config.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")) {
        let text = format!("{there}, compacted: of all that an agent saw only the last record is kept");
        return Finding::fail(check, text, todo);
    }
    if retention_ms < 0 {
        return Finding::warn(check, format!("{there}, kept for ever: it holds customers' numbers"), todo);
    }
    if retention_ms < wanted_ms {
        let text = format!("{there}, kept for {}: less than audit.retention", span(retention_ms));
        return Finding::warn(check, text, todo);
    }
    Finding::ok(check, format!("{there}, kept for {}", span(retention_ms)))
}

/// Milliseconds as people say them.
fn span(ms: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(DAY_MS, "days"), (3_600_000, "hours"), (60_000, "minutes"), (1000, "seconds")];
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| ms >= 2 * unit).unwrap_or((1, "ms"));
    format!("{} {name}", ms / unit)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn states(findings: &[Finding]) -> Vec<State> {
        findings.iter().map(|finding| finding.state).collect()
    }

    fn config(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn calls_must_be_kept_as_long_as_a_starting_node_reads_back() {
        let calls = |pairs: &[(&str, &str)]| states(&judge_calls("c", "", &config(pairs), 7_200_000));
        let good = [("retention.ms", "86400000"), ("cleanup.policy", "delete"), (TIME_TYPE, APPEND_TIME)];
        assert_eq!(calls(&good), [State::Ok]);
        assert_eq!(calls(&[("retention.ms", "-1"), (TIME_TYPE, APPEND_TIME)]), [State::Ok]);
        assert_eq!(calls(&[("retention.ms", "7199999"), (TIME_TYPE, APPEND_TIME)]), [State::Fail]);
        assert_eq!(calls(&[("retention.ms", "86400000"), (TIME_TYPE, "CreateTime")]), [State::Warn]);
        assert_eq!(calls(&[("cleanup.policy", "compact"), (TIME_TYPE, APPEND_TIME)]), [State::Fail]);
    }

    #[test]
    fn a_history_that_is_dropped_after_a_time_is_warned_of() {
        let history = |pairs: &[(&str, &str)]| states(&judge_history("h", "", &config(pairs)));
        assert_eq!(history(&[("cleanup.policy", "compact"), ("retention.ms", "604800000")]), [State::Ok]);
        assert_eq!(history(&[("cleanup.policy", "delete"), ("retention.ms", "604800000")]), [State::Warn]);
        assert_eq!(history(&[("cleanup.policy", "compact,delete"), ("retention.ms", "604800000")]), [State::Warn]);
        assert_eq!(history(&[("cleanup.policy", "delete"), ("retention.ms", "-1")]), [State::Warn]);
    }

    #[test]
    fn erasures_are_kept_for_a_time_and_not_for_ever() {
        let erasures = |pairs: &[(&str, &str)]| judge_erasures("e", "", &config(pairs)).state;
        assert_eq!(erasures(&[("cleanup.policy", "delete"), ("retention.ms", "7776000000")]), State::Ok);
        assert_eq!(erasures(&[("cleanup.policy", "delete"), ("retention.ms", "86400000")]), State::Warn);
        assert_eq!(erasures(&[("cleanup.policy", "delete"), ("retention.ms", "-1")]), State::Warn);
        assert_eq!(erasures(&[("cleanup.policy", "compact"), ("retention.ms", "7776000000")]), State::Warn);
    }

    #[test]
    fn the_ledger_is_kept_for_a_time_and_line_by_line() {
        let ledger = |pairs: &[(&str, &str)]| judge_ledger("l", "", &config(pairs), 14 * DAY_MS).state;
        assert_eq!(ledger(&[("cleanup.policy", "delete"), ("retention.ms", "604800000")]), State::Ok);
        assert_eq!(ledger(&[("cleanup.policy", "delete"), ("retention.ms", "-1")]), State::Warn);
        assert_eq!(ledger(&[("cleanup.policy", "compact,delete"), ("retention.ms", "604800000")]), State::Warn);
    }

    #[test]
    fn the_audit_is_kept_record_by_record_and_for_long_enough() {
        let audit = |pairs: &[(&str, &str)]| judge_audit("a", "", &config(pairs), 365 * DAY_MS).state;
        assert_eq!(audit(&[("cleanup.policy", "delete"), ("retention.ms", "31536000000")]), State::Ok);
        assert_eq!(audit(&[("cleanup.policy", "delete"), ("retention.ms", "604800000")]), State::Warn);
        assert_eq!(audit(&[("cleanup.policy", "delete"), ("retention.ms", "-1")]), State::Warn);
        assert_eq!(audit(&[("cleanup.policy", "compact"), ("retention.ms", "31536000000")]), State::Fail);
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!([604_800_000, 7_200_000, 90_000, 1500].map(span), ["7 days", "2 hours", "90 seconds", "1500 ms"]);
    }
}
