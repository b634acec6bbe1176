-- contract
-- The embedded store, version 2: who was erased, as a hash that only this store's key computes.
-- A program that does not know it would record again who was erased, so this does not only expand.

CREATE TABLE erasure_key (
  key BLOB NOT NULL
) STRICT;

INSERT INTO erasure_key (key) VALUES (randomblob(32));

CREATE TABLE erased (
  hash      BLOB PRIMARY KEY,
  erased_at INTEGER NOT NULL -- what began until then is kept out
) STRICT, WITHOUT ROWID;
