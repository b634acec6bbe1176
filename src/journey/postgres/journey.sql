-- $1 a number, $2 the beginning of the period, $3 names of sources: everybody behind the number, and their interactions. One
-- statement, so one answer of one moment. Ids go through arrays: however many people the server expects, it goes by the indexes.
WITH RECURSIVE direct (contact_id) AS (
  SELECT contact_id FROM backstory.addresses WHERE address = $1
  UNION
  SELECT contact_id FROM backstory.reached WHERE address = $1
), merged (contact_id) AS (
  SELECT contact_id FROM direct
  UNION
  SELECT next.contact_id
  FROM merged
  CROSS JOIN LATERAL (
    SELECT merged_into AS contact_id FROM backstory.listings WHERE contact_id = merged.contact_id AND merged_into IS NOT NULL
    UNION ALL
    SELECT contact_id FROM backstory.listings WHERE merged_into = merged.contact_id
  ) AS next
), people (behind, ids) AS (
  -- Listed with the number or reached on it; and these with whom they were merged with, either way.
  SELECT ARRAY(SELECT contact_id FROM direct), ARRAY(SELECT contact_id FROM merged)
)
-- Their interactions …
SELECT interactions.*, NULL::boolean AS behind, NULL::text AS name, NULL::text AS merged_into, NULL::text[] AS addresses
FROM people
CROSS JOIN LATERAL unnest(people.ids) AS person (contact_id)
JOIN backstory.interactions ON interactions.contact_id = person.contact_id
WHERE started_at >= $2 AND source = ANY ($3)
UNION ALL
-- … those of nobody on any of their addresses …
SELECT interactions.*, NULL, NULL, NULL, NULL
FROM backstory.interactions
WHERE contact_id IS NULL AND started_at >= $2 AND source = ANY ($3)
  AND address = ANY (ARRAY[$1] || ARRAY(
    SELECT addresses.address
    FROM people
    CROSS JOIN LATERAL unnest(people.ids) AS person (contact_id)
    JOIN backstory.addresses ON addresses.contact_id = person.contact_id
  ))
UNION ALL
-- … and the people: a row for each listing, and one for who has none.
SELECT
  NULL, NULL, person.contact_id, NULL, listing.campaign_id, listing.campaign_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, listing.updated_at,
  person.contact_id = ANY (people.behind), listing.name, listing.merged_into,
  ARRAY(SELECT address FROM backstory.addresses WHERE contact_id = person.contact_id)
FROM people
CROSS JOIN LATERAL unnest(people.ids) AS person (contact_id)
LEFT JOIN LATERAL (SELECT * FROM backstory.listings WHERE contact_id = person.contact_id OFFSET 0) AS listing ON true
