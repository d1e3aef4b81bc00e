-- Takes the locks of a batch in the one order that all transactions keep, so that they never wait for each other in a
-- circle:
--
--   1. admins and API keys that are to be changed, by id
--   2. splitters by (admin, id), among them every one that lists a campaign that is to be changed
--   3. campaigns by id: those that are named, and those that the splitters list
--   4. contacts and idempotency keys, existing or not, by their 64-bit hashes, ascending and without repeats
--
-- One function, so that it takes one round trip. Under READ COMMITTED each of its statements sees what was committed while
-- the one before it waited. FOR NO KEY UPDATE is as exclusive as FOR UPDATE among these transactions, but lets rows that
-- merely refer to a splitter or a campaign be inserted meanwhile; such rows are inserted late, and a lock taken then would
-- be out of order.
--
-- False: a splitter has begun to list a campaign that is to be changed; roll back and start again.
CREATE FUNCTION lock_batch(
    edited_admins    uuid[],
    edited_api_keys  uuid[],
    wanted_splitters uuid[],
    campaign_admins  uuid[],
    campaign_ids     uuid[],
    edited_campaigns uuid[],
    hashes           bigint[]
) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    all_splitters uuid[] := wanted_splitters;
BEGIN
    IF cardinality(edited_admins) > 0 THEN
        PERFORM 1 FROM admins WHERE id = ANY (edited_admins) ORDER BY id FOR NO KEY UPDATE;
    END IF;
    IF cardinality(edited_api_keys) > 0 THEN
        PERFORM 1 FROM api_keys WHERE id = ANY (edited_api_keys) ORDER BY id FOR NO KEY UPDATE;
    END IF;
    IF cardinality(edited_campaigns) > 0 THEN
        SELECT all_splitters || coalesce(array_agg(splitter_id), '{}') INTO all_splitters
            FROM splitter_campaigns WHERE campaign_id = ANY (edited_campaigns);
    END IF;
    IF cardinality(all_splitters) > 0 THEN
        PERFORM 1 FROM splitters WHERE id = ANY (all_splitters) ORDER BY admin_id, id FOR NO KEY UPDATE;
    END IF;
    IF cardinality(edited_campaigns) > 0 THEN
        -- All with the stronger lock: two strengths would need two statements, and so two orders.
        PERFORM 1 FROM campaigns AS c
            WHERE (c.admin_id, c.id) IN (
                SELECT * FROM unnest(campaign_admins, campaign_ids)
                UNION ALL
                SELECT l.admin_id, l.campaign_id FROM splitter_campaigns AS l WHERE l.splitter_id = ANY (wanted_splitters))
            ORDER BY c.id FOR NO KEY UPDATE OF c;
        IF EXISTS (SELECT 1 FROM splitter_campaigns
                   WHERE campaign_id = ANY (edited_campaigns) AND splitter_id <> ALL (all_splitters)) THEN
            RETURN false;
        END IF;
    ELSIF cardinality(campaign_ids) > 0 OR cardinality(wanted_splitters) > 0 THEN
        PERFORM 1 FROM campaigns AS c
            WHERE (c.admin_id, c.id) IN (
                SELECT * FROM unnest(campaign_admins, campaign_ids)
                UNION ALL
                SELECT l.admin_id, l.campaign_id FROM splitter_campaigns AS l WHERE l.splitter_id = ANY (wanted_splitters))
            ORDER BY c.id FOR SHARE OF c;
    END IF;
    PERFORM pg_advisory_xact_lock(hash) FROM unnest(hashes) AS hash;
    RETURN true;
END
$$;
