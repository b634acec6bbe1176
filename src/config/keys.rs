//! Every setting with its default and what it is for: the table that `backstory config` prints and that unknown names are held against.

use super::kinds::Kind::{self, *};

/// One setting.
pub struct Key {
    /// Dotted name; the variable is `BACKSTORY_` and the name in capitals with `__` for the dot.
    pub name: &'static str,
    /// The default, written as TOML; `None` where there is none.
    pub default: Option<&'static str>,
    pub kind: Kind,
    /// What it does, with its unit.
    pub about: &'static str,
}

const fn key(name: &'static str, default: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, default: Some(default), kind, about }
}

/// One that has no default: what holds without it is said beside it.
const fn place(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, default: None, kind, about }
}

/// Our columns' names in queries of the administrator's, where those are others.
pub const COLUMN_TABLES: &[&str] = &["journey.sources.campaign_manager.columns", "journey.sources.data_cloud.columns"];

/// Tables whose names are the administrator's.
pub const OPEN_TABLES: &[&str] = &["kafka.properties", "agents.aliases", "policy.teams"];

/// In the order in which they are printed.
pub const KEYS: &[Key] = &[
    key(
        "http.listen",
        "\"127.0.0.1:8080\"",
        Address,
        "address of the page, the element, the WebSocket and the API; loopback only while no authentication ([auth]) is configured",
    ),
    key(
        "http.admin_listen",
        "\"127.0.0.1:8081\"",
        Address,
        "address of metrics, health checks and what operators ask; loopback only while no authentication is configured",
    ),
    key(
        "http.hosts",
        "[]",
        Names,
        "further names in the Host header under which the service may be asked (a proxy's public name); loopback names always may",
    ),
    key(
        "http.origins",
        "[]",
        Names,
        "further web origins whose pages may open a WebSocket (\"https://desktop.example\"); the service's own pages always may",
    ),
    key(
        "http.embedded_by",
        "[]",
        Origins,
        "web origins whose pages may show the page at /widget in an iframe and say to it who the agent is (\"https://apps.example\")",
    ),
    key(
        "http.trusted_proxies",
        "[]",
        Networks,
        "networks of proxies of yours ([\"10.0.0.0/8\"]): their connections are not bounded by address, the clients' behind them are",
    ),
    key(
        "http.forwarded_header",
        "\"x-forwarded-for\"",
        Forwarded,
        "the header that they write a client's address into: \"x-forwarded-for\" or \"forwarded\"; it is read from nobody else",
    ),
    key("http.connections_max", "10000", Count, "open connections; more wait in the kernel's queue"),
    key(
        "http.connections_per_address_max",
        "2000",
        Count,
        "open connections of one address (IPv6: one /64 network); more are refused before anything is read",
    ),
    key(
        "http.pending_max",
        "1000",
        Count,
        "connections that are no session (yet), at most half of all: beyond it the oldest is closed for a new one",
    ),
    key(
        "http.handshakes_per_second_max",
        "2000",
        Count,
        "connections that begin in a second; more wait in the kernel's queue",
    ),
    key(
        "http.handshakes_per_second_per_address_max",
        "100",
        Count,
        "connections of one address that begin in a second, ten times as many at once; more are refused before anything is read",
    ),
    key("http.header_timeout", "\"10s\"", Time, "time for a TLS handshake, and for a request's headers to arrive"),
    key(
        "http.header_bytes_max",
        "32768",
        HeaderBytes,
        "size of a request's headers, in bytes; the longest token has half of it",
    ),
    key("http.body_bytes_max", "16384", Count, "size of a request's body, in bytes"),
    key("http.idle_timeout", "\"60s\"", Time, "an HTTP connection on which nothing moves between requests is closed"),
    key("http.hello_timeout", "\"5s\"", Time, "time for the first frame on a WebSocket to arrive"),
    key("http.frame_bytes_max", "65536", Count, "size of a frame from a client, in bytes"),
    key(
        "http.frames_per_second_max",
        "100",
        Count,
        "frames from one session in a second, ten times as many at once; beyond it the session is closed, to come back later",
    ),
    key("http.sessions_per_agent_max", "10", Count, "sessions (tabs, desktops) of one agent at a time"),
    key("http.subscribed_agents_max", "100", Count, "other agents whose calls one session may follow (a supervisor's)"),
    key(
        "http.outbox_frames_max",
        "64",
        Count,
        "frames waiting for one slow session; beyond them those go that later ones replace, then it is closed",
    ),
    key("http.write_timeout", "\"10s\"", Time, "time for one frame to be written to a session"),
    key("http.heartbeat", "\"25s\"", Time, "time between heartbeats; a session silent for two of them is closed"),
    place(
        "http.tls.certificate",
        Text,
        "file (PEM) with the certificate and those between it and its authority: TLS is spoken, and nothing else; read again when it changes",
    ),
    place("http.tls.key", Text, "file (PEM) with its private key, which not everybody may read"),
    place(
        "http.tls.client_ca",
        Text,
        "file (PEM) with the authorities of clients' certificates: nobody comes in without one; without it, nobody is asked",
    ),
    key("http.tls.admin", "true", Switch, "whether http.admin_listen speaks TLS as http.listen does, where that does"),
    place(
        "auth.issuer",
        Text,
        "whose tokens are believed: their iss, as it is written there; with it authentication is on",
    ),
    place(
        "auth.audience",
        Text,
        "what must be among the aud of a token: this service, as the identity provider calls it",
    ),
    place(
        "auth.jwks_url",
        Jwks,
        "where the identity provider publishes its keys: https://…, or http://… on a loopback address",
    ),
    key(
        "auth.keys",
        "[]",
        Names,
        "files with public keys, PEM or JWKS, beside or instead of auth.jwks_url; read again when they change",
    ),
    key(
        "auth.algorithms",
        "[\"RS256\", \"RS384\", \"RS512\", \"PS256\", \"PS384\", \"PS512\", \"ES256\", \"ES384\", \"EdDSA\"]",
        Algorithms,
        "how tokens may be signed; a key verifies what its kind allows and, where it names one itself, that alone",
    ),
    key(
        "auth.leeway",
        "\"30s\"",
        Time,
        "how far clocks may differ: a token holds so much longer, and so much earlier; whole seconds, at most \"5m\"",
    ),
    key(
        "auth.agent_claim",
        "\"sub\"",
        Text,
        "claim with the agent's id (or an alias of it); \"a.b\" is the b within a",
    ),
    key(
        "auth.scope_claim",
        "\"scope\"",
        Text,
        "claim with what the token allows: words with spaces between them, or a list",
    ),
    key("auth.teams_claim", "\"teams\"", Text, "claim with the agent's teams: a list, or one name"),
    key("auth.jwks_refresh", "\"5m\"", Time, "the provider's keys are asked for this often"),
    key(
        "auth.jwks_refresh_min",
        "\"10s\"",
        Time,
        "and again at once for a token of a key that is not known, or while the provider does not answer, but not more often than this",
    ),
    key(
        "auth.ticket_lifetime",
        "\"30s\"",
        Time,
        "a ticket (POST /v1/tickets) is to be redeemed within this time, once, at the node that issued it",
    ),
    key("auth.tickets_max", "10000", Count, "tickets that a node remembers until they are redeemed or too old"),
    Key {
        name: "kafka.brokers",
        default: None,
        kind: Brokers,
        about: "\"host:9092,host:9092\", or \"embedded\" for the in-process broker (memory only, for trying out); required",
    },
    key("kafka.replay_window", "\"2h\"", Time, "how far back the topic of calls is read at start"),
    key("kafka.record_bytes_max", "1048576", Count, "a larger record is refused unread, in bytes"),
    key(
        "kafka.group",
        "\"backstory\"",
        Text,
        "consumer groups of the nodes that share a PostgreSQL store: this name, a dot and the topic; another store needs another name",
    ),
    place(
        "kafka.oauth_token_file",
        Text,
        "file with the token for SASL OAUTHBEARER; read again before the token ends, so whoever renews it writes the file anew",
    ),
    key("kafka.topics.calls", "\"calls\"", Text, "topic of call events"),
    key("kafka.topics.interactions", "\"interactions\"", Text, "topic of interactions"),
    key("kafka.topics.contacts", "\"contacts\"", Text, "topic of contacts and campaign lists"),
    key("kafka.topics.erasures", "\"erasures\"", Text, "topic of erasures: who is to be forgotten"),
    key("kafka.topics.pops", "\"pops\"", Text, "topic of the ledger: what became of each pop, for `backstory why`"),
    key(
        "kafka.topics.audit",
        "\"audit\"",
        Text,
        "topic of the audit: who saw whose journey, when and why, for `backstory audit`",
    ),
    key(
        "journey.store",
        "\"sqlite:backstory.db\"",
        Store,
        "where journeys are kept: \"sqlite:PATH\", or \"postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full\" for several nodes",
    ),
    key(
        "journey.source",
        "\"both\"",
        Source,
        "whose interactions agents see: \"data_cloud\", \"campaign_manager\" or \"both\"",
    ),
    key(
        "journey.period_months",
        "12",
        PeriodMonths,
        "months a timeline goes back unless asked otherwise: 3, 6, 9 or 12",
    ),
    key(
        "journey.interactions_max",
        "500",
        Count,
        "interactions in one timeline; older ones are asked for page by page",
    ),
    key(
        "journey.lookup_timeout",
        "\"250ms\"",
        Time,
        "a pop waits this long for its timeline, then goes out without; the timeline follows",
    ),
    key("journey.lookups_max", "4", Count, "look-ups at a time, each with a connection of its own to the store"),
    key(
        "journey.statement_timeout",
        "\"5s\"",
        Time,
        "PostgreSQL gives a look-up up after this time; its timeline is asked for again while the call is open",
    ),
    place(
        "journey.retention",
        Time,
        "interactions that began longer ago are removed (\"730d\"), and not shown from that moment on; without it, none are",
    ),
    key(
        "journey.default_region",
        "\"US\"",
        DefaultRegion,
        "region of numbers without a country code (ISO 3166, two letters)",
    ),
    place(
        "journey.sources.campaign_manager.store",
        Store,
        "a store for the interactions of the Campaign Manager alone, or the PostgreSQL that holds tables of yours; else journey.store",
    ),
    place(
        "journey.sources.campaign_manager.interactions",
        Text,
        "query of your own tables: $1 the number in E.164, $2 the beginning of the period; columns as in journey.sources.campaign_manager.columns",
    ),
    place(
        "journey.sources.campaign_manager.listings",
        Text,
        "query of your own tables: $1 the number in E.164; gives contact_id and, if known, name, campaign_id, campaign_name",
    ),
    place(
        "journey.sources.campaign_manager.default_region",
        DefaultRegion,
        "region of this source's numbers without a country code; else journey.default_region",
    ),
    place(
        "journey.sources.data_cloud.store",
        Store,
        "a store for the interactions of the Data Cloud alone, or the PostgreSQL that holds tables of yours; else journey.store",
    ),
    place(
        "journey.sources.data_cloud.interactions",
        Text,
        "query of your own tables: $1 the number in E.164, $2 the beginning of the period; columns as in journey.sources.data_cloud.columns",
    ),
    place(
        "journey.sources.data_cloud.listings",
        Text,
        "query of your own tables: $1 the number in E.164; gives contact_id and, if known, name, campaign_id, campaign_name",
    ),
    place(
        "journey.sources.data_cloud.default_region",
        DefaultRegion,
        "region of this source's numbers without a country code; else journey.default_region",
    ),
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
