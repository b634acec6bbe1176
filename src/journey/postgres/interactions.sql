-- $1 a number behind which somebody is, $2 the beginning of the period: at most $3 of their interactions.
SELECT interaction_id, source, contact_id, address, campaign_id, campaign_name, channel, mode, direction, started_at,
      ended_at, outcome_code, outcome_label, outcome_class, outcome_parent, outcome_telephony, outcome_reached,
      previous_score, current_score, agent_id, agent_name, comments, updated_at
FROM backstory.interactions
WHERE coalesce(contact_id, address) = ANY ((SELECT keys FROM backstory.behind WHERE address = $1)::text[])
  AND started_at >= $2
LIMIT $3
