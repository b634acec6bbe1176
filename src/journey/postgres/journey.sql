-- $1 a number, $2 the beginning of the period: everybody behind the number, with each of their interactions; without any, they are
-- a row by themselves. Where nobody is known, it is the number's own interactions. One statement, so one answer of one moment.
-- More than $3 bytes of people come alone, and interactions.sql follows: they would be repeated in every row. Of more than $4 bytes,
-- or more contacts than `behind` holds, comes only that they are many. At most $5 interactions: of more, strands.rs reads what is needed.
SELECT i.interaction_id, i.source, i.contact_id, i.address, i.campaign_id, i.campaign_name, i.channel, i.mode,
      i.direction, i.started_at, i.ended_at, i.outcome_code, i.outcome_label, i.outcome_class, i.outcome_parent,
      i.outcome_telephony, i.outcome_reached, i.previous_score, i.current_score, i.agent_id, i.agent_name, i.comments,
      i.updated_at, CASE WHEN octet_length(b.people) > $4 THEN NULL ELSE b.people END,
      coalesce(octet_length(b.people) > $4 OR cardinality(b.keys) = 0, false)
FROM (VALUES (1)) AS one (row)
LEFT JOIN backstory.behind AS b ON b.address = $1
LEFT JOIN backstory.interactions AS i
  ON coalesce(i.contact_id, i.address) = ANY (CASE WHEN octet_length(b.people) > $3 THEN NULL ELSE coalesce(b.keys, ARRAY[$1]) END)
  AND i.started_at >= $2
LIMIT $5
