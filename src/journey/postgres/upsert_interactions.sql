-- Columns as arrays: what is new or newer is written, and named.
INSERT INTO backstory.interactions AS kept (
  interaction_id, source, contact_id, address, campaign_id, campaign_name, channel, mode, direction, started_at, ended_at,
  outcome_code, outcome_label, outcome_class, outcome_parent, outcome_telephony, outcome_reached,
  previous_score, current_score, agent_id, agent_name, comments, updated_at)
SELECT * FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::timestamptz[], $11::timestamptz[],
  $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::boolean[],
  $18::double precision[], $19::double precision[], $20::text[], $21::text[], $22::text[], $23::timestamptz[])
ON CONFLICT (interaction_id) DO UPDATE SET
  source = excluded.source, contact_id = excluded.contact_id, address = excluded.address,
  campaign_id = excluded.campaign_id, campaign_name = excluded.campaign_name, channel = excluded.channel,
  mode = excluded.mode, direction = excluded.direction, started_at = excluded.started_at, ended_at = excluded.ended_at,
  outcome_code = excluded.outcome_code, outcome_label = excluded.outcome_label, outcome_class = excluded.outcome_class,
  outcome_parent = excluded.outcome_parent, outcome_telephony = excluded.outcome_telephony,
  outcome_reached = excluded.outcome_reached, previous_score = excluded.previous_score,
  current_score = excluded.current_score, agent_id = excluded.agent_id, agent_name = excluded.agent_name,
  comments = excluded.comments, updated_at = excluded.updated_at
WHERE kept.updated_at < excluded.updated_at
  OR kept.updated_at = excluded.updated_at
  AND (kept.source, kept.contact_id, kept.address, kept.campaign_id, kept.campaign_name, kept.channel, kept.mode,
       kept.direction, kept.started_at, kept.ended_at, kept.outcome_code, kept.outcome_label, kept.outcome_class,
       kept.outcome_parent, kept.outcome_telephony, kept.outcome_reached, kept.previous_score, kept.current_score,
       kept.agent_id, kept.agent_name, kept.comments)
    IS DISTINCT FROM
      (excluded.source, excluded.contact_id, excluded.address, excluded.campaign_id, excluded.campaign_name,
       excluded.channel, excluded.mode, excluded.direction, excluded.started_at, excluded.ended_at,
       excluded.outcome_code, excluded.outcome_label, excluded.outcome_class, excluded.outcome_parent,
       excluded.outcome_telephony, excluded.outcome_reached, excluded.previous_score, excluded.current_score,
       excluded.agent_id, excluded.agent_name, excluded.comments)
RETURNING interaction_id
