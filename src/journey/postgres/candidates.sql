-- $1 a number, $2 placeholders in small letters that are no ids, $3 at most so many: the contacts behind it, and when each was reached last.
SELECT direct.contact_id, newest.started_at
FROM (
  SELECT contact_id FROM backstory.addresses WHERE address = $1
  UNION
  SELECT contact_id FROM backstory.reached WHERE address = $1
  LIMIT $3
) AS direct
LEFT JOIN LATERAL (
  SELECT started_at FROM backstory.interactions
  WHERE coalesce(interactions.contact_id, interactions.address) = direct.contact_id AND interactions.contact_id IS NOT NULL
  ORDER BY started_at DESC LIMIT 1
) AS newest ON true
WHERE lower(btrim(direct.contact_id, E' \t\n\r\f\u000b\u00a0\u3000\u200b\ufeff')) <> ALL ($2)
