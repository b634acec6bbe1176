-- One row a listing of the people behind the number.
SELECT
  people.contact_id,
  EXISTS (SELECT 1 FROM backstory.addresses WHERE address = $1 AND contact_id = people.contact_id)
    OR EXISTS (SELECT 1 FROM backstory.reached WHERE address = $1 AND contact_id = people.contact_id) AS behind,
  ARRAY(SELECT address FROM backstory.addresses WHERE contact_id = people.contact_id) AS addresses,
  listings.campaign_id,
  listings.campaign_name,
  listings.name,
  listings.merged_into,
  listings.updated_at
FROM people
LEFT JOIN backstory.listings ON listings.contact_id = people.contact_id
