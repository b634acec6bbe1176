-- $1 a number behind which somebody is, $2 the beginning of the period: their interactions.
SELECT *
FROM backstory.interactions
WHERE coalesce(contact_id, address) = ANY ((SELECT keys FROM backstory.behind WHERE address = $1)::text[])
  AND started_at >= $2
