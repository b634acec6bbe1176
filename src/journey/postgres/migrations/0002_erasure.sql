-- contract
-- The journey in PostgreSQL, version 2: who was erased, as a hash that only this store's key computes, and what retention asks.
-- A program that does not know it would record again who was erased, so this does not only expand.

-- Its one row is locked by whoever writes, and alone by whoever erases: a batch under way does not bring back what goes.
CREATE TABLE backstory.erasure_key (
  key bytea NOT NULL
);

-- Twice 122 random bits; random bytes would need an extension.
INSERT INTO backstory.erasure_key (key)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

CREATE TABLE backstory.erased (
  hash      bytea PRIMARY KEY,
  erased_at timestamptz NOT NULL -- what began until then is kept out
);

CREATE INDEX interactions_by_time ON backstory.interactions (started_at);
