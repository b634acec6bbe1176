-- expand
-- The journey in PostgreSQL, version 6: a page of what began at one moment is found by index, too.

CREATE INDEX CONCURRENTLY IF NOT EXISTS interactions_in_order
  ON backstory.interactions ((coalesce(contact_id, address)), started_at DESC, interaction_id COLLATE "C");
