-- expand
-- The journey in PostgreSQL, version 7: an index less to write.

-- covered: interactions_in_order begins with the same columns, and serves every statement that this one served.
DROP INDEX backstory.interactions_of_key;
