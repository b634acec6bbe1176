-- The journey in PostgreSQL, version 4: where a contact is, by the IANA name of the time zone.

ALTER TABLE backstory.listings ADD COLUMN time_zone text;
