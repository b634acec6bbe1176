-- contract
-- The embedded store, version 1. Times are milliseconds since 1970 in UTC.
-- What repeats in most interactions (campaign, outcome, agent, channel …) is kept once, in `words`.

CREATE TABLE words (
  id   INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- In the order in which a contact's journey is read; contact_id is '' where nobody knows whose it is.
CREATE TABLE interactions (
  contact_id     TEXT    NOT NULL,
  started_at     INTEGER NOT NULL,
  interaction_id TEXT    NOT NULL,
  address        TEXT    NOT NULL,
  source         INTEGER NOT NULL REFERENCES words (id),
  channel        INTEGER NOT NULL REFERENCES words (id),
  mode           INTEGER REFERENCES words (id),
  direction      INTEGER REFERENCES words (id),
  campaign       INTEGER REFERENCES words (id),
  outcome        INTEGER REFERENCES words (id),
  agent          INTEGER REFERENCES words (id),
  ended_at       INTEGER,
  previous_score REAL,
  current_score  REAL,
  comments       TEXT,
  updated_at     INTEGER NOT NULL,
  PRIMARY KEY (contact_id, started_at DESC, interaction_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX interactions_by_id ON interactions (interaction_id);
CREATE INDEX interactions_of_nobody ON interactions (address, started_at DESC) WHERE contact_id = '';

-- Which contacts were ever reached on an address.
CREATE TABLE reached (
  address    TEXT NOT NULL,
  contact_id TEXT NOT NULL,
  PRIMARY KEY (address, contact_id)
) STRICT, WITHOUT ROWID;

-- One row for each record of `contacts`; campaign_id is '' for the contact itself.
CREATE TABLE listings (
  contact_id  TEXT NOT NULL,
  campaign_id TEXT NOT NULL,
  campaign    TEXT,
  name        TEXT,
  merged_into TEXT,
  listed_at   INTEGER,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (contact_id, campaign_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX listings_merged ON listings (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE addresses (
  address     TEXT NOT NULL,
  contact_id  TEXT NOT NULL,
  campaign_id TEXT NOT NULL,
  mode        TEXT,
  PRIMARY KEY (address, contact_id, campaign_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX addresses_of_contact ON addresses (contact_id, campaign_id);

-- The next offset to read, written together with what was read before it.
CREATE TABLE offsets (
  cluster     TEXT    NOT NULL,
  topic       TEXT    NOT NULL,
  kafka_partition INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  last_record INTEGER NOT NULL, -- hash of the record before it: a topic that was made anew has another one there
  PRIMARY KEY (cluster, topic, kafka_partition)
) STRICT, WITHOUT ROWID;

-- For people with a database browser.
CREATE VIEW interactions_readable AS
SELECT i.interaction_id, s.text AS source, i.contact_id, i.address, c.text AS channel, m.text AS mode, d.text AS direction,
       datetime(i.started_at / 1000, 'unixepoch') AS started_at_utc, datetime(i.ended_at / 1000, 'unixepoch') AS ended_at_utc,
       p.text AS campaign, o.text AS outcome, a.text AS agent, i.previous_score, i.current_score, i.comments
FROM interactions i
JOIN words s ON s.id = i.source
JOIN words c ON c.id = i.channel
LEFT JOIN words m ON m.id = i.mode
LEFT JOIN words d ON d.id = i.direction
LEFT JOIN words p ON p.id = i.campaign
LEFT JOIN words o ON o.id = i.outcome
LEFT JOIN words a ON a.id = i.agent;
