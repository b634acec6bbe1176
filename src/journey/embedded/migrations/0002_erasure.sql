-- The embedded store, version 2: who was erased, as a hash that only this store's key computes.

CREATE TABLE erasure_key (
  key BLOB NOT NULL
) STRICT;

INSERT INTO erasure_key (key) VALUES (randomblob(32));

CREATE TABLE erased (
  hash      BLOB PRIMARY KEY,
  erased_at INTEGER NOT NULL -- what began until then is kept out
) STRICT, WITHOUT ROWID;
