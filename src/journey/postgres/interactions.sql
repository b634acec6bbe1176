-- $2 the beginning of the period, $3 names of sources: the interactions of everybody behind the number, and those of nobody on any
-- of their addresses.
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
