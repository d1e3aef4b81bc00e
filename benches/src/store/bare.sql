-- The same enrolment on bare tables: no foreign keys, no checks, and only the indexes that this one statement needs.
\set n random(1, :splitters)
WITH split AS (
    UPDATE plain.splitters AS s SET seq = seq + 1 FROM peer WHERE peer.n = :n AND s.id = peer.splitter_id RETURNING s.id, seq
), contact AS (
    INSERT INTO plain.contacts
    SELECT gen_random_uuid(), '+1' || nextval('peer_phone'), seq % 5, 'Jane Smith', '{"company": "Acme"}', 1, 1 FROM split
    ON CONFLICT (phone) DO UPDATE SET campaign = excluded.campaign, updated_at = excluded.updated_at
    RETURNING id
), history AS (
    INSERT INTO plain.history SELECT gen_random_uuid(), id, 1, 'created' FROM contact
), cancelled AS (
    UPDATE plain.outreach SET status = 'cancelled' FROM contact WHERE contact_id = contact.id AND status = 'scheduled'
), decision AS (
    INSERT INTO plain.decisions
    SELECT split.id, split.seq, gen_random_uuid(), contact.id, 1, decode(repeat('07', :bytes + 32), 'hex')
    FROM split, contact
)
INSERT INTO plain.outreach SELECT gen_random_uuid(), id, 'scheduled', 'Hi {{name|there}}, this is {{company|us}}.', step
FROM contact, generate_series(1, 3) AS step;
