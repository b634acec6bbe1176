//! What becomes of calls, who sees what, and what is written down: `calls`, `ledger`, `policy`, `audit`, `log` and `drain`.

use super::super::kinds::Kind::*;
use super::{Key, key, place};

pub const KEYS: &[Key] = &[
    key("calls.age_max", "\"60s\"", Time, "an older call is shown without being announced"),
    key("calls.future_max", "\"5m\"", Time, "a call event further ahead of this machine's clock is refused"),
    key(
        "calls.open_max",
        "\"2h\"",
        Time,
        "a call whose end was never heard ends after this time; at most kafka.replay_window",
    ),
    key("calls.keep_after_end", "\"2m\"", Time, "an ended call stays on screen this long, for wrap-up"),
    key(
        "calls.known_max",
        "1000000",
        Count,
        "calls that a node remembers, about 1 KB each; beyond them the oldest are forgotten",
    ),
    key(
        "calls.outlines_bytes_max",
        "268435456",
        Count,
        "bytes that a node keeps of timelines on screens to send what is new in them; beyond them some changes bring a whole timeline",
    ),
    key(
        "calls.agents_per_call_max",
        "4096",
        Count,
        "agents on one call id; beyond them those with the oldest events are forgotten",
    ),
    key("calls.open_per_agent_max", "500", Count, "open calls of one agent; beyond them the oldest are forgotten"),
    place(
        "calls.default_region",
        DefaultRegion,
        "region of call events' numbers without a country code; else journey.default_region",
    ),
    key(
        "ledger.retention",
        "\"14d\"",
        Time,
        "how long the topic kafka.topics.pops keeps the ledger, where `backstory check --create` makes it",
    ),
    key(
        "ledger.alive_every",
        "\"10s\"",
        Time,
        "a node writes this often into the ledger that it is alive; after two and a half times as long it counts as gone",
    ),
    key(
        "ledger.pops_max",
        "50000",
        Count,
        "pops of the last hour that a node keeps in memory (GET /v1/pops on http.admin_listen), about half a kilobyte each",
    ),
    key(
        "ledger.queue_max",
        "50000",
        Count,
        "lines of the ledger that wait for Kafka; further ones are lost, and counted",
    ),
    place(
        "policy.number_digits",
        Digits,
        "numbers show so many of their last digits (0 to 6) to whoever lacks the scope numbers:read, wherever they stand; without it, all",
    ),
    key(
        "policy.hide",
        "[]",
        Hidden,
        "what is kept from whoever lacks the scope for it: \"comments\" (comments:read), \"scores\" (scores:read), \"names\" of contacts (names:read)",
    ),
    key(
        "audit.retention",
        "\"365d\"",
        Time,
        "how long the topic kafka.topics.audit keeps the audit, where `backstory check --create` makes it",
    ),
    key(
        "audit.queue_max",
        "50000",
        Count,
        "records of the audit that wait to be written, and for Kafka; further ones are lost, counted and said; a reveal waits or is refused",
    ),
    place(
        "audit.file",
        Text,
        "a file that the audit is appended to as well, as JSON Lines (mode 0600; moved away, it is made anew); without it, only the topic",
    ),
    key("log.format", "\"text\"", Format, "\"text\" for people, \"json\" for machines"),
    key(
        "log.level",
        "\"info\"",
        Text,
        "error, warn, info, debug or trace (of libraries: info and above); also per module: \"info,backstory::kafka=debug\"",
    ),
    key(
        "drain.limit",
        "\"10s\"",
        Time,
        "time for the orderly end after SIGTERM; agents come back elsewhere spread over half of it",
    ),
];
