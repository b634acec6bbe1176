-- Columns as arrays: $1 keys, $2 whether each is a contact's, $3 moments, $4 how many; $5 the beginning of the period. What began before that
-- moment, newest first.
SELECT i.interaction_id, i.source, i.contact_id, i.address, i.campaign_id, i.campaign_name, i.channel, i.mode, i.direction, i.started_at,
      i.ended_at, i.outcome_code, i.outcome_label, i.outcome_class, i.outcome_parent, i.outcome_telephony, i.outcome_reached,
      i.previous_score, i.current_score, i.agent_id, i.agent_name, part.nth
FROM unnest($1::text[], $2::boolean[], $3::timestamptz[], $4::bigint[]) WITH ORDINALITY AS part (key, is_contact, at, rows_max, nth)
CROSS JOIN LATERAL (
  SELECT * FROM backstory.interactions AS own
  WHERE coalesce(own.contact_id, own.address) = part.key AND (own.contact_id IS NOT NULL) = part.is_contact
    AND own.started_at < part.at AND own.started_at >= $5
  ORDER BY own.started_at DESC, own.interaction_id COLLATE "C"
  LIMIT part.rows_max
) AS i
