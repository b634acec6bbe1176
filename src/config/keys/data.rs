//! Where everything is heard and kept: `kafka` and `journey`.

use super::super::kinds::Kind::*;
use super::{Key, key, place};

pub const KEYS: &[Key] = &[
    Key {
        name: "kafka.brokers",
        default: None,
        kind: Brokers,
        about: "\"host:9092,host:9092\", or \"embedded\" for the in-process broker (memory only, for trying out); required",
    },
    key("kafka.replay_window", "\"2h\"", Time, "how far back the topic of calls is read at start"),
    key("kafka.record_bytes_max", "1048576", Count, "a larger record is refused unread, in bytes"),
    key(
        "kafka.record_ahead_max",
        "\"5m\"",
        Time,
        "an updatedAt that is later than its record by more than this counts as the record's own time",
    ),
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
        "journey.contacts_max",
        "20",
        Count,
        "people behind one number who are shown, those reached last; the others are counted",
    ),
    key(
        "journey.campaigns_max",
        "100",
        Count,
        "campaigns, and channels, in one timeline, those used last; the others are counted",
    ),
    key(
        "journey.counted_max",
        "20000",
        Count,
        "interactions behind one number that are counted; of more, counts are lower bounds and say so",
    ),
    key(
        "journey.timeline_bytes_max",
        "16777216",
        Count,
        "size of the interactions in one timeline, in bytes; what would be more comes on the next page",
    ),
    key(
        "journey.dictionary_bytes_max",
        "67108864",
        Count,
        "memory for texts that repeat in a store in SQLite (outcomes, campaigns, agents), in bytes; what has no room is read from the file",
    ),
    key(
        "journey.lookup_timeout",
        "\"250ms\"",
        Time,
        "a pop waits this long for its timeline, then goes out without; the timeline follows",
    ),
    key(
        "journey.lookups_max",
        "4",
        Count,
        "look-ups at a time, each with a connection of its own to the store (at least 2 are opened); only pops may take more than half",
    ),
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
    key(
        "journey.no_ids",
        "[]",
        Names,
        "further texts that are no ids where contactId or mergedInto belongs, in any case, beside null, none, unknown, n/a, - and \\N",
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
];
