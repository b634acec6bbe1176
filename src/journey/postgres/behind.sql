-- $1 a number: everybody listed with it or reached on it, with whom they were merged with, either way. Stands before people.sql
-- and interactions.sql, which choose from it.
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
