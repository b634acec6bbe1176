-- contract
-- The journey in PostgreSQL, version 1. Plain tables and indexes: nothing here needs an extension.
--
-- Where tables are spread over machines: `interactions` by interaction_id, the others small enough to be everywhere
-- (Citus: create_distributed_table('backstory.interactions', 'interaction_id'), create_reference_table for the others).

CREATE TABLE backstory.interactions (
  interaction_id    text PRIMARY KEY,
  source            text NOT NULL,
  contact_id        text, -- NULL where nobody knows whose it is
  address           text NOT NULL,
  campaign_id       text,
  campaign_name     text,
  channel           text NOT NULL,
  mode              text,
  direction         text,
  started_at        timestamptz NOT NULL,
  ended_at          timestamptz,
  outcome_code      text,
  outcome_label     text,
  outcome_class     text,
  outcome_parent    text,
  outcome_telephony text,
  outcome_reached   boolean,
  previous_score    double precision,
  current_score     double precision,
  agent_id          text,
  agent_name        text,
  comments          text,
  updated_at        timestamptz NOT NULL
);

-- In the order in which a contact's journey is read.
CREATE INDEX interactions_of_contact ON backstory.interactions (contact_id, started_at DESC);
CREATE INDEX interactions_of_nobody ON backstory.interactions (address, started_at DESC) WHERE contact_id IS NULL;

-- Which contacts were ever reached on an address.
CREATE TABLE backstory.reached (
  address    text NOT NULL,
  contact_id text NOT NULL,
  PRIMARY KEY (address, contact_id)
);

-- One row for each record of `contacts`; campaign_id is '' for the contact itself.
CREATE TABLE backstory.listings (
  contact_id    text NOT NULL,
  campaign_id   text NOT NULL,
  campaign_name text,
  name          text,
  merged_into   text,
  listed_at     timestamptz,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (contact_id, campaign_id)
);

CREATE INDEX listings_merged ON backstory.listings (merged_into) WHERE merged_into IS NOT NULL;

CREATE TABLE backstory.addresses (
  address     text NOT NULL,
  contact_id  text NOT NULL,
  campaign_id text NOT NULL,
  mode        text,
  PRIMARY KEY (address, contact_id, campaign_id)
);

CREATE INDEX addresses_of_contact ON backstory.addresses (contact_id, campaign_id);
