-- expand
-- The embedded store, version 3: where a contact is, by the IANA name of the time zone.

ALTER TABLE listings ADD COLUMN time_zone TEXT;
