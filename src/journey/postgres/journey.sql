-- $1 a number, $2 the beginning of the period: everybody behind the number, and their interactions. One statement, so one answer
-- of one moment; the people are a row of their own, in the column of the ids. Without them it is the number's own interactions.
SELECT *
FROM backstory.interactions
WHERE coalesce(contact_id, address) = ANY (coalesce((SELECT keys FROM backstory.behind WHERE address = $1), ARRAY[$1]))
  AND started_at >= $2
UNION ALL
SELECT
  people, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL
FROM backstory.behind
WHERE address = $1
