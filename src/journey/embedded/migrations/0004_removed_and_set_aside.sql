-- expand
-- The embedded store, version 4: removals are remembered, and records that were passed over are listed by their places.

CREATE TABLE removed (
  hash       BLOB PRIMARY KEY, -- of an interaction's id, or of a contact's and a campaign's, by the key of `erasure_key`
  removed_at INTEGER NOT NULL -- what was last changed until then is kept out
) STRICT, WITHOUT ROWID;

CREATE INDEX removed_by_time ON removed (removed_at);

CREATE TABLE set_aside (
  nth             INTEGER PRIMARY KEY AUTOINCREMENT,
  topic           TEXT    NOT NULL,
  kafka_partition INTEGER NOT NULL,
  kafka_offset    INTEGER NOT NULL,
  reason          TEXT    NOT NULL,
  field           TEXT,
  at              INTEGER NOT NULL,
  UNIQUE (topic, kafka_partition, kafka_offset)
) STRICT;

CREATE INDEX set_aside_by_topic ON set_aside (topic, nth);
