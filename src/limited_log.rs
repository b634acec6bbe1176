//! Log lines that a flood would multiply: at most one in ten seconds for each key, which says how many it stands for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::warn;

use crate::kafka::Record;
use crate::metrics::Metrics;
use crate::record::Refusal;

/// One line of a key in this time.
pub const LINE_EVERY: Duration = Duration::from_secs(10);
/// Keys that are known at a time. Another one has to wait until one of them is quiet, and is only counted meanwhile.
const KEYS_MAX: usize = 256;

/// What was noted under each key since its last line. Knows no clock and no log.
pub struct LimitedLog<K, D> {
    known: HashMap<K, Known<D>>,
}

struct Known<D> {
    line_at: Instant,
    since: Option<Line<D>>,
}

/// What one line stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<D> {
    pub times: u64,
    pub first: D,
    pub last: D,
}

impl<K, D> Default for LimitedLog<K, D> {
    fn default() -> Self {
        Self { known: HashMap::new() }
    }
}

impl<K: Eq + Hash + Clone, D: Clone> LimitedLog<K, D> {
    /// It happened once more. The line to log now; `None` where it is too soon: the next line counts it.
    pub fn note(&mut self, now: Instant, key: K, detail: D) -> Option<Line<D>> {
        if let Some(known) = self.known.get_mut(&key) {
            let line =
                known.since.get_or_insert_with(|| Line { times: 0, first: detail.clone(), last: detail.clone() });
            (line.times, line.last) = (line.times + 1, detail);
            return known.due(now);
        }
        if self.known.len() >= KEYS_MAX {
            self.known.retain(|_, known| known.since.is_some() || !known.is_quiet(now));
        }
        if self.known.len() >= KEYS_MAX {
            return None;
        }
        self.known.insert(key, Known { line_at: now, since: None });
        Some(Line { times: 1, first: detail.clone(), last: detail })
    }

    /// Lines that are due although nothing more came.
    pub fn flush(&mut self, now: Instant) -> Vec<(K, Line<D>)> {
        self.known.iter_mut().filter_map(|(key, known)| Some((key.clone(), known.due(now)?))).collect()
    }

    /// Everything that was not said yet: nothing more comes.
    pub fn end(&mut self) -> Vec<(K, Line<D>)> {
        self.known.drain().filter_map(|(key, known)| Some((key, known.since?))).collect()
    }
}

impl<D> Known<D> {
    fn is_quiet(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.line_at) >= LINE_EVERY
    }

    fn due(&mut self, now: Instant) -> Option<Line<D>> {
        let line = self.since.take_if(|_| now.saturating_duration_since(self.line_at) >= LINE_EVERY)?;
        self.line_at = now;
        Some(line)
    }
}

/// Refused records of all topics: each is counted, and the log names the first and the last of each topic and reason.
pub struct RefusedRecords {
    metrics: Arc<Metrics>,
    log: Mutex<LimitedLog<TopicAndReason, Refused>>,
}

type TopicAndReason = (String, String);

#[derive(Debug, Clone)]
struct Refused {
    partition: i32,
    offset: i64,
    /// For people: the reason with its field, without the value.
    text: String,
}

impl RefusedRecords {
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { metrics, log: Mutex::default() })
    }

    pub fn note(&self, topic: &str, record: &Record, refusal: Refusal) {
        self.metrics.refused(topic, refusal);
        let text = format!("record refused: {refusal}");
        self.say((topic, refusal.name()), Refused { partition: record.partition, offset: record.offset, text });
    }

    /// A record that can be read, and that the store does not take.
    pub fn note_by_the_store(&self, topic: &str, (partition, offset): (i32, i64), reason: &str) {
        self.metrics.refused_by_the_store(topic);
        let text = "the store refuses the record: it is set aside, and recording goes on".into();
        self.say((topic, reason), Refused { partition, offset, text });
    }

    fn say(&self, (topic, reason): (&str, &str), refused: Refused) {
        let key = (topic.to_owned(), reason.to_owned());
        match self.log.lock().note(Instant::now(), key.clone(), refused) {
            Some(line) => say(&key, &line),
            None => self.metrics.log_suppressed(),
        }
    }

    /// Called now and then, so that what came last is said too.
    pub fn flush(&self, now: Instant) {
        let lines = self.log.lock().flush(now);
        lines.iter().for_each(|(key, line)| say(key, line));
    }

    pub fn end(&self) {
        let lines = self.log.lock().end();
        lines.iter().for_each(|(key, line)| say(key, line));
    }
}

fn say((topic, reason): &TopicAndReason, Line { times, first, last }: &Line<Refused>) {
    let text = if *times > 1 { "records refused" } else { last.text.as_str() };
    // Of several, where they begin and end.
    let last = (*times > 1).then_some(last);
    warn!(
        kafka.topic = topic,
        kafka.partition = first.partition,
        kafka.offset = first.offset,
        kafka.last_partition = last.map(|last| last.partition),
        kafka.last_offset = last.map(|last| last.offset),
        times,
        reason,
        "{text}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn line(times: u64, first: i64, last: i64) -> Line<i64> {
        Line { times, first, last }
    }

    #[test]
    fn the_first_is_said_at_once_and_a_flood_once_in_ten_seconds_with_its_number_and_ends() {
        let (mut log, start) = (LimitedLog::default(), Instant::now());
        assert_eq!(log.note(start, "a", 7), Some(line(1, 7, 7)));
        for offset in 8..1000 {
            assert_eq!(log.note(at(start, 9), "a", offset), None);
        }
        assert_eq!(log.note(at(start, 10), "a", 1000), Some(line(993, 8, 1000)));
        assert_eq!(log.note(at(start, 19), "a", 1001), None, "ten seconds after the last line");
        assert_eq!(log.note(at(start, 20), "a", 1002), Some(line(2, 1001, 1002)));
    }

    #[test]
    fn each_key_has_lines_of_its_own() {
        let (mut log, start) = (LimitedLog::default(), Instant::now());
        assert!(log.note(start, "a", 1).is_some() && log.note(start, "b", 2).is_some());
        assert_eq!((log.note(start, "a", 3), log.note(start, "b", 4)), (None, None));
        let mut lines = log.flush(at(start, 10));
        lines.sort_by_key(|(key, _)| *key);
        assert_eq!(lines, [("a", line(1, 3, 3)), ("b", line(1, 4, 4))]);
    }

    #[test]
    fn what_came_last_is_said_when_nothing_more_comes_and_once() {
        let (mut log, start) = (LimitedLog::default(), Instant::now());
        log.note(start, "a", 1);
        log.note(at(start, 1), "a", 2);
        log.note(at(start, 2), "a", 3);
        assert!(log.flush(at(start, 9)).is_empty());
        assert_eq!(log.flush(at(start, 10)), [("a", line(2, 2, 3))]);
        assert!(log.flush(at(start, 19)).is_empty());
        assert_eq!(log.note(at(start, 19), "a", 4), None, "that was a line, too");
        assert_eq!(log.end(), [("a", line(1, 4, 4))], "at the end nothing waits for its turn");
    }

    #[test]
    fn keys_are_bounded_and_those_that_are_quiet_make_room() {
        let (mut log, start) = (LimitedLog::default(), Instant::now());
        let new = |key: usize| u64::try_from(key).unwrap();
        assert!((0..KEYS_MAX).all(|key| log.note(start, new(key), ()).is_some()));
        assert_eq!(log.note(at(start, 9), new(KEYS_MAX), ()), None);
        log.note(at(start, 9), 0, ());
        assert!(log.note(at(start, 10), new(KEYS_MAX), ()).is_some());
        assert_eq!(log.known.len(), 2, "one had still something to say");
    }
}
