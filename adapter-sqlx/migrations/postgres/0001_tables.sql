-- Every key that points somewhere carries the admin, so that no row can point at another admin's.

CREATE TABLE admins (
    id            uuid        NOT NULL PRIMARY KEY,
    email         text        NOT NULL CONSTRAINT admins_email UNIQUE,
    password_hash text,
    settings      jsonb       NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

CREATE TABLE api_keys (
    id         uuid        NOT NULL PRIMARY KEY,
    admin_id   uuid        NOT NULL REFERENCES admins (id),
    name       text        NOT NULL,
    lookup     text        NOT NULL CONSTRAINT api_keys_lookup UNIQUE,
    hash       bytea       NOT NULL CHECK (length(hash) = 32),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX api_keys_by_admin ON api_keys (admin_id, id) WHERE revoked_at IS NULL;

CREATE TABLE campaigns (
    id             uuid        NOT NULL,
    admin_id       uuid        NOT NULL REFERENCES admins (id),
    name           text        NOT NULL,
    status         text        NOT NULL CHECK (status IN ('active', 'paused')),
    outreach       jsonb       NOT NULL CHECK (jsonb_typeof(outreach) = 'array'),
    calling_window jsonb       CHECK (jsonb_typeof(calling_window) = 'object'),
    requires_email boolean     NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    PRIMARY KEY (admin_id, id)
);
CREATE INDEX campaigns_by_age ON campaigns (admin_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE splitters (
    id         uuid        NOT NULL PRIMARY KEY,
    admin_id   uuid        NOT NULL REFERENCES admins (id),
    status     text        NOT NULL CHECK (status IN ('active', 'paused')),
    version    integer     NOT NULL CHECK (version > 0),
    config     jsonb       NOT NULL CHECK (jsonb_typeof(config) = 'object'),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT splitters_of_admin UNIQUE (admin_id, id)
);
CREATE INDEX splitters_by_age ON splitters (admin_id, created_at, id) WHERE deleted_at IS NULL;

-- Which campaigns a splitter lists, its fallback included: whoever changes a campaign locks these splitters first.
CREATE TABLE splitter_campaigns (
    splitter_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    admin_id    uuid NOT NULL,
    PRIMARY KEY (splitter_id, campaign_id),
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id),
    FOREIGN KEY (admin_id, campaign_id) REFERENCES campaigns (admin_id, id)
);
CREATE INDEX splitter_campaigns_by_campaign ON splitter_campaigns (campaign_id);

-- Changes with every decision, so it is kept apart from the wide and quiet configuration, with room for new versions of a
-- row beside the old ones (no index holds what changes).
CREATE TABLE splitter_states (
    splitter_id  uuid        NOT NULL PRIMARY KEY,
    admin_id     uuid        NOT NULL,
    seq          bigint      NOT NULL CHECK (seq >= 0),
    last_at      timestamptz NOT NULL,
    head         bytea       NOT NULL CHECK (length(head) = 32),
    rule_version integer     NOT NULL,
    members      jsonb       NOT NULL,
    adaptive     jsonb,
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
) WITH (fillfactor = 50);

CREATE TABLE splitter_versions (
    splitter_id uuid        NOT NULL,
    version     integer     NOT NULL CHECK (version > 0),
    admin_id    uuid        NOT NULL,
    at          timestamptz NOT NULL,
    actor       text        NOT NULL,
    change      text        NOT NULL CHECK (change IN ('created', 'edited', 'paused', 'resumed', 'deleted')),
    after_seq   bigint      NOT NULL CHECK (after_seq >= 0),
    config      jsonb       NOT NULL,
    PRIMARY KEY (splitter_id, version),
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
);

-- What waits to be folded into a splitter's state, in the order of `seq`.
CREATE TABLE splitter_events (
    seq          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    id           uuid        NOT NULL UNIQUE,
    admin_id     uuid        NOT NULL,
    splitter_id  uuid        NOT NULL,
    decision_id  uuid        NOT NULL,
    campaign_id  uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    at           timestamptz NOT NULL,
    active_delta smallint    NOT NULL CHECK (active_delta BETWEEN -1 AND 1),
    outcome      text        CHECK (outcome IN ('success', 'failure', 'withdrawn')),
    PRIMARY KEY (splitter_id, seq),
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
);

CREATE TABLE splitter_trials (
    splitter_id uuid        NOT NULL,
    decision_id uuid        NOT NULL,
    admin_id    uuid        NOT NULL,
    campaign_id uuid        NOT NULL,
    started_at  timestamptz NOT NULL,
    PRIMARY KEY (splitter_id, decision_id),
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
);
CREATE INDEX splitter_trials_by_age ON splitter_trials (splitter_id, started_at, decision_id);

-- Texts that lists are sorted by are compared by bytes, as everywhere else in the product.
CREATE TABLE contacts (
    id           uuid        NOT NULL,
    admin_id     uuid        NOT NULL REFERENCES admins (id),
    campaign_id  uuid        NOT NULL,
    phone        text        COLLATE "C" NOT NULL CHECK (phone ~ '^\+[1-9][0-9]{0,14}$'),
    name         text        COLLATE "C",
    timezone     text        NOT NULL,
    status       text        COLLATE "C" NOT NULL
                             CHECK (status IN ('active', 'paused', 'fulfilled', 'DNC', 'not-qualifies', 'not-interested',
                                               'not-answering', 'wrong-number', 'talk-to-human')),
    variables    jsonb       NOT NULL CHECK (jsonb_typeof(variables) = 'object'),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    fulfilled_at timestamptz,
    re_added_at  timestamptz,
    deleted_at   timestamptz,
    assignment   jsonb       CHECK (jsonb_typeof(assignment) = 'object'),
    PRIMARY KEY (admin_id, id),
    CONSTRAINT contacts_phone UNIQUE (admin_id, phone),
    FOREIGN KEY (admin_id, campaign_id) REFERENCES campaigns (admin_id, id)
);
CREATE INDEX contacts_by_age ON contacts (admin_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_change ON contacts (admin_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_campaign ON contacts (admin_id, campaign_id, created_at, id) WHERE deleted_at IS NULL;

-- In the order of `seq`, which for one contact is the order of writing.
CREATE TABLE contact_history (
    seq         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    id          uuid        NOT NULL,
    admin_id    uuid        NOT NULL,
    contact_id  uuid        NOT NULL,
    at          timestamptz NOT NULL,
    actor       text        NOT NULL,
    kind        text        NOT NULL
                            CHECK (kind IN ('created', 'updated', 'reactivated', 'suppressed', 'edited', 'deleted')),
    decision_id uuid,
    before      jsonb       CHECK (jsonb_typeof(before) = 'object'),
    PRIMARY KEY (admin_id, contact_id, seq),
    FOREIGN KEY (admin_id, contact_id) REFERENCES contacts (admin_id, id)
);

-- `next_attempt_at` is when a row may be claimed: the scheduled time at first, the end of the lease while somebody holds
-- it, later the time of a retry; so whoever holds a row hides it from the others. A claim raises `fence`, and a result is
-- only taken from the holder of the latest claim.
--
-- Due rows are looked for campaign by campaign, so that those of a paused one, however many, cost nothing.
CREATE TABLE outreach (
    admin_id            uuid        NOT NULL,
    contact_id          uuid        NOT NULL,
    id                  uuid        NOT NULL,
    campaign_id         uuid        NOT NULL,
    channel             text        NOT NULL CHECK (channel IN ('call', 'sms', 'whatsapp')),
    template            text        NOT NULL,
    status              text        NOT NULL
                                    CHECK (status IN ('scheduled', 'sending', 'sent', 'failed', 'cancelled')),
    scheduled_at        timestamptz NOT NULL,
    created_at          timestamptz NOT NULL,
    sent_at             timestamptz,
    attempts            integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error               text,
    cancel_requested_at timestamptz,
    next_attempt_at     timestamptz NOT NULL,
    fence               bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (admin_id, contact_id, id),
    FOREIGN KEY (admin_id, contact_id) REFERENCES contacts (admin_id, id),
    FOREIGN KEY (admin_id, campaign_id) REFERENCES campaigns (admin_id, id)
);
CREATE INDEX outreach_due ON outreach (admin_id, campaign_id, next_attempt_at, id) WHERE status = 'scheduled';
CREATE INDEX outreach_leased ON outreach (next_attempt_at) WHERE status = 'sending';
CREATE INDEX outreach_open_by_campaign ON outreach (admin_id, campaign_id) WHERE status IN ('scheduled', 'sending');

-- The log. `bytes` is the canonical form without the four ids at its head, which are columns.
CREATE TABLE decisions (
    splitter_id uuid        NOT NULL,
    seq         bigint      NOT NULL CHECK (seq > 0),
    admin_id    uuid        NOT NULL,
    id          uuid        NOT NULL CONSTRAINT decisions_id UNIQUE,
    contact_id  uuid        NOT NULL,
    campaign_id uuid        NOT NULL,
    at          timestamptz NOT NULL,
    bytes       bytea       NOT NULL,
    hash        bytea       NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (splitter_id, seq),
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
);
CREATE INDEX decisions_by_campaign ON decisions (campaign_id, seq);
CREATE INDEX decisions_by_contact ON decisions (contact_id);

CREATE TABLE idempotency (
    admin_id    uuid        NOT NULL REFERENCES admins (id),
    route       text        NOT NULL,
    key         text        NOT NULL,
    body_hash   bytea       NOT NULL CHECK (length(body_hash) = 32),
    created_at  timestamptz NOT NULL,
    status      integer     NOT NULL CHECK (status BETWEEN 100 AND 599),
    body        bytea       NOT NULL,
    decision_id uuid,
    PRIMARY KEY (admin_id, route, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- Counters of the rate limit. They need not survive a crash.
CREATE UNLOGGED TABLE rate_windows (
    key_id     uuid        NOT NULL,
    class      text        NOT NULL CHECK (class IN ('write', 'read')),
    started_at timestamptz NOT NULL,
    count      bigint      NOT NULL CHECK (count >= 0),
    refused    boolean     NOT NULL,
    PRIMARY KEY (key_id, class)
) WITH (fillfactor = 50);
