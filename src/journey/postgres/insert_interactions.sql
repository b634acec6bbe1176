-- Columns as arrays: what is new is written, and named. What somebody else writes at this moment is waited for.
INSERT INTO backstory.interactions (
  interaction_id, source, contact_id, address, campaign_id, campaign_name, channel, mode, direction, started_at, ended_at,
  outcome_code, outcome_label, outcome_class, outcome_parent, outcome_telephony, outcome_reached,
  previous_score, current_score, agent_id, agent_name, comments, updated_at)
SELECT * FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::timestamptz[], $11::timestamptz[],
  $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::boolean[],
  $18::double precision[], $19::double precision[], $20::text[], $21::text[], $22::text[], $23::timestamptz[])
ON CONFLICT (interaction_id) DO NOTHING
RETURNING interaction_id
