-- contract
-- The journey in PostgreSQL, version 3: who is behind an address is put together when that changes, so that a look-up reads by
-- two keys and joins nothing. `backstory migrate` fills the table from those it is made of.

CREATE TABLE backstory.behind (
  address text PRIMARY KEY,
  keys    text[] NOT NULL, -- what their interactions are found by: their ids, and their addresses for those of nobody
  people  text   NOT NULL  -- JSON: a listing each, or the bare id of who has none
);

-- Its one row is locked by whoever puts people together, until that is committed: what two have written at once, the later one
-- sees.
CREATE TABLE backstory.behind_turn (
  turn integer PRIMARY KEY
);

INSERT INTO backstory.behind_turn (turn) VALUES (1);

-- How often a pair was written: 1 tells whoever writes it that it is new.
ALTER TABLE backstory.reached ADD COLUMN times bigint NOT NULL DEFAULT 1;
CREATE INDEX reached_of_contact ON backstory.reached (contact_id);

-- In the order in which a journey is read: by the contact, or by the address where nobody knows whose it is.
CREATE INDEX interactions_of_key ON backstory.interactions ((coalesce(contact_id, address)), started_at DESC);
DROP INDEX backstory.interactions_of_contact;
DROP INDEX backstory.interactions_of_nobody;
