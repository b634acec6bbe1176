-- expand
-- The journey in PostgreSQL, version 5: removals are remembered, records that were passed over are listed by their places, and who
-- owns a partition of the topics is written down with what it writes.

CREATE TABLE backstory.removed (
  hash       bytea PRIMARY KEY, -- of an interaction's id, or of a contact's and a campaign's, by the key of `erasure_key`
  removed_at timestamptz NOT NULL -- what was last changed until then is kept out
);

CREATE INDEX removed_by_time ON backstory.removed (removed_at);

CREATE TABLE backstory.set_aside (
  nth             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic           text NOT NULL,
  kafka_partition integer NOT NULL,
  kafka_offset    bigint NOT NULL,
  reason          text NOT NULL,
  field           text,
  at              timestamptz NOT NULL,
  UNIQUE (topic, kafka_partition, kafka_offset)
);

CREATE INDEX set_aside_by_topic ON backstory.set_aside (topic, nth);

-- A batch is written under the generation that its reader claimed when it got the partition; claiming raises it.
CREATE TABLE backstory.fences (
  consumer_group  text NOT NULL,
  kafka_partition integer NOT NULL,
  generation      bigint NOT NULL,
  PRIMARY KEY (consumer_group, kafka_partition)
);
