-- $1 contact ids, $2 placeholders in small letters that are no ids, $3 at most so many rows: their listings, and those of all with whom they
-- were merged, either way; a contact without a listing is a row, too.
WITH RECURSIVE person (contact_id) AS (
  SELECT unnest($1::text[])
  UNION
  SELECT next.contact_id
  FROM person
  CROSS JOIN LATERAL (
    SELECT merged_into AS contact_id FROM backstory.listings
    WHERE contact_id = person.contact_id AND merged_into IS NOT NULL
      AND lower(btrim(merged_into, E' \t\n\r\f\u000b\u00a0\u3000\u200b\ufeff')) <> ALL ($2)
    UNION ALL
    SELECT contact_id FROM backstory.listings WHERE merged_into = person.contact_id
  ) AS next
)
SELECT person.contact_id, person.contact_id = ANY ($1), listing.campaign_id, listing.campaign_name, listing.name, listing.time_zone,
  listing.merged_into, (extract(epoch FROM listing.updated_at) * 1000)::bigint,
  ARRAY(SELECT DISTINCT address FROM backstory.addresses WHERE contact_id = person.contact_id)
FROM person
LEFT JOIN LATERAL (SELECT * FROM backstory.listings WHERE contact_id = person.contact_id OFFSET 0) AS listing ON true
LIMIT $3
