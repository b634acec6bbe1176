-- contract
-- The embedded store, version 5: a text of which no other interaction is known is kept with its own interaction, and one that no
-- interaction refers to any more goes. Programs that do not know it would keep neither rule.

-- How many references interactions hold; null until the program has counted them (`uses_counted` in `meta`).
-- At 0 the row goes. Ids are not given again: the next one is in `meta` (`next_word`).
ALTER TABLE words ADD COLUMN uses INTEGER;

-- What interactions refer to with 0, which is no id in `words`.
CREATE TABLE own_texts (
  interaction_id TEXT PRIMARY KEY,
  channel        TEXT,
  mode           TEXT,
  campaign       TEXT,
  outcome        TEXT,
  agent          TEXT
) STRICT, WITHOUT ROWID;

DROP VIEW interactions_readable;

-- For people with a database browser.
CREATE VIEW interactions_readable AS
SELECT i.interaction_id, s.text AS source, i.contact_id, i.address, coalesce(c.text, own.channel) AS channel,
       coalesce(m.text, own.mode) AS mode, d.text AS direction,
       datetime(i.started_at / 1000, 'unixepoch') AS started_at_utc, datetime(i.ended_at / 1000, 'unixepoch') AS ended_at_utc,
       coalesce(p.text, own.campaign) AS campaign, coalesce(o.text, own.outcome) AS outcome, coalesce(a.text, own.agent) AS agent,
       i.previous_score, i.current_score, i.comments
FROM interactions i
JOIN words s ON s.id = i.source
LEFT JOIN words c ON c.id = i.channel
LEFT JOIN words m ON m.id = i.mode
LEFT JOIN words d ON d.id = i.direction
LEFT JOIN words p ON p.id = i.campaign
LEFT JOIN words o ON o.id = i.outcome
LEFT JOIN words a ON a.id = i.agent
LEFT JOIN own_texts own ON own.interaction_id = i.interaction_id;
