-- $1 addresses, $2 placeholders in small letters that are no ids, $3 how many contacts a row holds: who is behind each, from the tables that
-- say so; of more, the row says only that they are many, by an empty list of keys. Ids go through LATERAL: however many people the server
-- expects, it goes by the indexes.
WITH RECURSIVE named (address, contact_id) AS (
  SELECT given.address, direct.contact_id
  FROM unnest($1::text[]) AS given (address)
  CROSS JOIN LATERAL (
    SELECT contact_id FROM (
      SELECT DISTINCT contact_id FROM backstory.addresses
      WHERE address = given.address AND lower(btrim(contact_id, E' \t\n\r\f\u000b\u00a0\u3000\u200b\ufeff')) <> ALL ($2)
      LIMIT $3::bigint + 1
    ) AS listed
    UNION
    SELECT contact_id FROM (
      SELECT contact_id FROM backstory.reached
      WHERE address = given.address AND lower(btrim(contact_id, E' \t\n\r\f\u000b\u00a0\u3000\u200b\ufeff')) <> ALL ($2)
      LIMIT $3::bigint + 1
    ) AS reached
  ) AS direct
), many (address) AS (
  SELECT address FROM named GROUP BY address HAVING count(*) > $3::bigint
), direct (address, contact_id) AS (
  SELECT address, contact_id FROM named WHERE address NOT IN (SELECT address FROM many)
), person (address, contact_id) AS (
  -- Listed with the address or reached on it; and these with whom they were merged with, either way.
  SELECT address, contact_id FROM direct
  UNION
  SELECT person.address, next.contact_id
  FROM person
  CROSS JOIN LATERAL (
    SELECT merged_into AS contact_id FROM backstory.listings
    WHERE contact_id = person.contact_id AND merged_into IS NOT NULL
      AND lower(btrim(merged_into, E' \t\n\r\f\u000b\u00a0\u3000\u200b\ufeff')) <> ALL ($2)
    UNION ALL
    SELECT contact_id FROM backstory.listings WHERE merged_into = person.contact_id
  ) AS next
), described (address, contact_id, addresses, listing) AS (
  SELECT
    person.address, person.contact_id, own.addresses,
    json_build_object(
      'contactId', person.contact_id,
      'behind', direct.address IS NOT NULL,
      'campaignId', listing.campaign_id, 'campaignName', listing.campaign_name, 'name', listing.name,
      'timeZone', listing.time_zone,
      'mergedInto', listing.merged_into, 'updatedAt', (extract(epoch FROM listing.updated_at) * 1000)::bigint,
      'addresses', own.addresses)
  FROM person
  LEFT JOIN direct ON direct.address = person.address AND direct.contact_id = person.contact_id
  CROSS JOIN LATERAL (
    SELECT ARRAY(SELECT DISTINCT address FROM backstory.addresses WHERE contact_id = person.contact_id) AS addresses
  ) AS own
  LEFT JOIN LATERAL (SELECT * FROM backstory.listings WHERE contact_id = person.contact_id OFFSET 0) AS listing ON true
), keys (address, key) AS (
  SELECT address, contact_id FROM described
  UNION
  SELECT address, address FROM described
  UNION
  SELECT described.address, own.address FROM described CROSS JOIN LATERAL unnest(described.addresses) AS own (address)
), found_by (address, keys) AS (
  SELECT address, array_agg(key) FROM keys GROUP BY address
), people (address, people) AS (
  SELECT address, json_agg(listing)::text FROM described GROUP BY address
)
INSERT INTO backstory.behind (address, keys, people)
SELECT people.address, found_by.keys, people.people FROM people JOIN found_by ON found_by.address = people.address
UNION ALL
SELECT address, ARRAY[]::text[], '[]' FROM many
ON CONFLICT (address) DO UPDATE SET keys = excluded.keys, people = excluded.people
