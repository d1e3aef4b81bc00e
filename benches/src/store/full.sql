-- One enrolment as one statement, for pgbench: what this database can do with one commit per request, nothing read but the
-- splitter's row and nothing decided. It writes the rows that splitter-sqlx writes, into the same tables.
\set n random(1, :splitters)
WITH split AS (
    UPDATE splitter_states AS s
    SET seq = s.seq + 1, last_at = now(), head = decode(repeat('07', 32), 'hex'), members = s.members
    FROM peer WHERE peer.n = :n AND s.splitter_id = peer.splitter_id
    RETURNING s.splitter_id, s.admin_id, s.seq, peer.campaigns[1 + s.seq % 5] AS campaign_id
), contact AS (
    INSERT INTO contacts (id, admin_id, campaign_id, phone, name, timezone, status, variables, created_at, updated_at,
                          assignment)
    SELECT gen_random_uuid(), admin_id, campaign_id, '+1' || nextval('peer_phone'), 'Jane Smith', 'America/New_York',
           'active', '{"company": "Acme"}', now(), now(),
           jsonb_build_object('splitterId', splitter_id, 'decisionId', gen_random_uuid(), 'seq', seq)
    FROM split
    ON CONFLICT (admin_id, phone) DO UPDATE SET campaign_id = excluded.campaign_id, updated_at = excluded.updated_at
    RETURNING id, admin_id, campaign_id
), history AS (
    INSERT INTO contact_history (id, admin_id, contact_id, at, actor, kind, decision_id)
    SELECT gen_random_uuid(), admin_id, id, now(), 'admin', 'created', gen_random_uuid() FROM contact
), cancelled AS (
    UPDATE outreach SET status = 'cancelled' FROM contact
    WHERE outreach.admin_id = contact.admin_id AND outreach.contact_id = contact.id AND outreach.status = 'scheduled'
), decision AS (
    INSERT INTO decisions (splitter_id, seq, admin_id, id, contact_id, campaign_id, at, bytes, hash)
    SELECT split.splitter_id, split.seq, split.admin_id, gen_random_uuid(), contact.id, contact.campaign_id, now(),
           decode(repeat('07', :bytes), 'hex'), decode(repeat('07', 32), 'hex')
    FROM split, contact
)
INSERT INTO outreach (admin_id, contact_id, id, campaign_id, channel, template, status, scheduled_at, created_at,
                      next_attempt_at)
SELECT admin_id, id, gen_random_uuid(), campaign_id, 'sms', 'Hi {{name|there}}, this is {{company|us}}.', 'scheduled',
       now() + make_interval(hours => step), now(), now() + make_interval(hours => step)
FROM contact, generate_series(1, 3) AS step;
