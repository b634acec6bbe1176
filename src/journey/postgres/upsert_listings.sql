-- Columns as arrays, the last one each listing's addresses put together: what is new, newer, or other at the same time is
-- written, and named.
INSERT INTO backstory.listings AS kept
  (contact_id, campaign_id, campaign_name, name, time_zone, merged_into, listed_at, updated_at)
SELECT given.contact_id, given.campaign_id, given.campaign_name, given.name, given.time_zone, given.merged_into, given.listed_at,
  given.updated_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::text[])
  AS given (contact_id, campaign_id, campaign_name, name, time_zone, merged_into, listed_at, updated_at, addresses)
LEFT JOIN backstory.listings AS old ON old.contact_id = given.contact_id AND old.campaign_id = given.campaign_id
WHERE old.contact_id IS NULL
  OR old.updated_at < given.updated_at
  OR old.updated_at = given.updated_at
  AND ((old.campaign_name, old.name, old.time_zone, old.merged_into, old.listed_at)
         IS DISTINCT FROM (given.campaign_name, given.name, given.time_zone, given.merged_into, given.listed_at)
       OR given.addresses <> (
         SELECT coalesce(string_agg(address || E'\n' || coalesce(mode, ''), E'\n' ORDER BY address COLLATE "C"), '')
         FROM backstory.addresses
         WHERE contact_id = given.contact_id AND campaign_id = given.campaign_id))
ON CONFLICT (contact_id, campaign_id) DO UPDATE SET
  campaign_name = excluded.campaign_name, name = excluded.name, time_zone = excluded.time_zone, merged_into = excluded.merged_into,
  listed_at = excluded.listed_at, updated_at = excluded.updated_at
WHERE kept.updated_at <= excluded.updated_at
RETURNING contact_id, campaign_id
