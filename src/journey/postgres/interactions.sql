-- $1 a number, $2 the beginning of the period, $3 names of sources: the interactions of everybody behind the number (as in
-- people.sql), and those of nobody on any of their addresses.
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
SELECT found.*
FROM people
CROSS JOIN LATERAL (
  SELECT * FROM backstory.interactions WHERE contact_id = people.contact_id AND started_at >= $2 AND source = ANY ($3)
) AS found
UNION ALL
SELECT found.*
FROM (
  SELECT $1 AS address
  UNION
  SELECT addresses.address FROM people JOIN backstory.addresses ON addresses.contact_id = people.contact_id
) AS known
CROSS JOIN LATERAL (
  SELECT * FROM backstory.interactions
  WHERE contact_id IS NULL AND address = known.address AND started_at >= $2 AND source = ANY ($3)
) AS found
