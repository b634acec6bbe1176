-- contract
-- The journey in PostgreSQL, version 4: where a contact is, by the IANA name of the time zone.
-- A program that does not know it would put people together in `behind` without their time zones, so this does not only expand.

ALTER TABLE backstory.listings ADD COLUMN time_zone text;
