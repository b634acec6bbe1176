-- $1 a number: everybody listed with it or reached on it, with whom they were merged with, either way: one row a listing.
WITH RECURSIVE people (contact_id) AS (
  (SELECT contact_id FROM backstory.addresses WHERE address = $1
   UNION
   SELECT contact_id FROM backstory.reached WHERE address = $1)
  UNION
  SELECT merged.contact_id
  FROM people
  CROSS JOIN LATERAL (
    SELECT merged_into AS contact_id FROM backstory.listings WHERE contact_id = people.contact_id AND merged_into IS NOT NULL
    UNION ALL
    SELECT contact_id FROM backstory.listings WHERE merged_into = people.contact_id
  ) AS merged
)
SELECT
  people.contact_id,
  EXISTS (SELECT 1 FROM backstory.addresses WHERE address = $1 AND contact_id = people.contact_id)
    OR EXISTS (SELECT 1 FROM backstory.reached WHERE address = $1 AND contact_id = people.contact_id) AS behind,
  ARRAY(SELECT address FROM backstory.addresses WHERE contact_id = people.contact_id) AS addresses,
  listings.campaign_id,
  listings.campaign_name,
  listings.name,
  listings.merged_into,
  listings.updated_at
FROM people
LEFT JOIN backstory.listings ON listings.contact_id = people.contact_id
