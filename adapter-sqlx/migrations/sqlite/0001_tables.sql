-- Ids are 16 bytes, times are milliseconds since 1970 (UTC), JSON is text. Every table is confined to an admin by its
-- keys, so that no row can point at another admin's.

CREATE TABLE admins (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email         TEXT    NOT NULL CONSTRAINT admins_email UNIQUE,
    password_hash TEXT,
    settings      TEXT    NOT NULL CHECK (json_valid(settings)),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    admin_id   BLOB    NOT NULL REFERENCES admins (id),
    name       TEXT    NOT NULL,
    lookup     TEXT    NOT NULL CONSTRAINT api_keys_lookup UNIQUE,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_keys_by_admin ON api_keys (admin_id, id) WHERE revoked_at IS NULL;

CREATE TABLE campaigns (
    id             BLOB    NOT NULL CHECK (length(id) = 16),
    admin_id       BLOB    NOT NULL REFERENCES admins (id),
    name           TEXT    NOT NULL,
    status         TEXT    NOT NULL CHECK (status IN ('active', 'paused')),
    outreach       TEXT    NOT NULL CHECK (json_valid(outreach)),
    calling_window TEXT    CHECK (json_valid(calling_window)),
    requires_email INTEGER NOT NULL CHECK (requires_email IN (0, 1)),
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    deleted_at     INTEGER,
    PRIMARY KEY (admin_id, id)
) STRICT;
CREATE INDEX campaigns_by_age ON campaigns (admin_id, created_at, id) WHERE deleted_at IS NULL;

CREATE TABLE splitters (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    admin_id   BLOB    NOT NULL REFERENCES admins (id),
    status     TEXT    NOT NULL CHECK (status IN ('active', 'paused')),
    version    INTEGER NOT NULL CHECK (version > 0),
    config     TEXT    NOT NULL CHECK (json_valid(config)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT splitters_of_admin UNIQUE (admin_id, id)
) STRICT;
CREATE INDEX splitters_by_age ON splitters (admin_id, created_at, id) WHERE deleted_at IS NULL;

-- Changes with every decision, so it is kept apart from the wide and quiet configuration.
CREATE TABLE splitter_states (
    splitter_id  BLOB    NOT NULL PRIMARY KEY,
    admin_id     BLOB    NOT NULL,
    seq          INTEGER NOT NULL CHECK (seq >= 0),
    last_at      INTEGER NOT NULL,
    head         BLOB    NOT NULL CHECK (length(head) = 32),
    rule_version INTEGER NOT NULL,
    members      TEXT    NOT NULL,
    adaptive     TEXT,
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
) STRICT;

CREATE TABLE splitter_versions (
    splitter_id BLOB    NOT NULL,
    version     INTEGER NOT NULL CHECK (version > 0),
    admin_id    BLOB    NOT NULL,
    at          INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    change      TEXT    NOT NULL CHECK (change IN ('created', 'edited', 'paused', 'resumed', 'deleted')),
    after_seq   INTEGER NOT NULL CHECK (after_seq >= 0),
    config      TEXT    NOT NULL CHECK (json_valid(config)),
    PRIMARY KEY (splitter_id, version),
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
) STRICT, WITHOUT ROWID;

-- What waits to be folded into a splitter's state, in the order of `seq`.
CREATE TABLE splitter_events (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    admin_id     BLOB    NOT NULL,
    splitter_id  BLOB    NOT NULL,
    decision_id  BLOB    NOT NULL,
    campaign_id  BLOB    NOT NULL,
    contact_id   BLOB    NOT NULL,
    at           INTEGER NOT NULL,
    active_delta INTEGER NOT NULL CHECK (active_delta BETWEEN -1 AND 1),
    outcome      TEXT    CHECK (outcome IN ('success', 'failure', 'withdrawn')),
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
) STRICT;
CREATE INDEX splitter_events_waiting ON splitter_events (splitter_id, seq);

CREATE TABLE splitter_trials (
    splitter_id BLOB    NOT NULL,
    decision_id BLOB    NOT NULL,
    admin_id    BLOB    NOT NULL,
    campaign_id BLOB    NOT NULL,
    started_at  INTEGER NOT NULL,
    PRIMARY KEY (splitter_id, decision_id),
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX splitter_trials_by_age ON splitter_trials (splitter_id, started_at, decision_id);

CREATE TABLE contacts (
    id           BLOB    NOT NULL CHECK (length(id) = 16),
    admin_id     BLOB    NOT NULL REFERENCES admins (id),
    campaign_id  BLOB    NOT NULL,
    phone        TEXT    NOT NULL CHECK (phone GLOB '+[1-9]*' AND length(phone) <= 16 AND substr(phone, 2) NOT GLOB '*[^0-9]*'),
    name         TEXT,
    timezone     TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('active', 'paused', 'fulfilled', 'DNC', 'not-qualifies',
                                                    'not-interested', 'not-answering', 'wrong-number', 'talk-to-human')),
    variables    TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    fulfilled_at INTEGER,
    re_added_at  INTEGER,
    deleted_at   INTEGER,
    assignment   TEXT,
    PRIMARY KEY (admin_id, id),
    CONSTRAINT contacts_phone UNIQUE (admin_id, phone),
    FOREIGN KEY (admin_id, campaign_id) REFERENCES campaigns (admin_id, id)
) STRICT;
CREATE INDEX contacts_by_age ON contacts (admin_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_change ON contacts (admin_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_by_campaign ON contacts (admin_id, campaign_id, created_at, id) WHERE deleted_at IS NULL;

-- In the order of `seq`, which is the order of writing.
CREATE TABLE contact_history (
    seq         INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    admin_id    BLOB    NOT NULL,
    contact_id  BLOB    NOT NULL,
    at          INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('created', 'updated', 'reactivated', 'suppressed', 'edited', 'deleted')),
    decision_id BLOB,
    before      TEXT,
    FOREIGN KEY (admin_id, contact_id) REFERENCES contacts (admin_id, id)
) STRICT;
CREATE INDEX contact_history_by_contact ON contact_history (admin_id, contact_id, seq);

-- `next_attempt_at` is when a row may be claimed: the scheduled time at first, the end of the lease while somebody holds
-- it, later the time of a retry; so whoever holds a row hides it from the others. A claim raises `fence`, and a result is
-- only taken from the holder of the latest claim.
--
-- Due rows are looked for campaign by campaign, so that those of a paused one, however many, cost nothing.
CREATE TABLE outreach (
    admin_id            BLOB    NOT NULL,
    contact_id          BLOB    NOT NULL,
    id                  BLOB    NOT NULL CHECK (length(id) = 16),
    campaign_id         BLOB    NOT NULL,
    channel             TEXT    NOT NULL CHECK (channel IN ('call', 'sms', 'whatsapp')),
    template            TEXT    NOT NULL,
    status              TEXT    NOT NULL CHECK (status IN ('scheduled', 'sending', 'sent', 'failed', 'cancelled')),
    scheduled_at        INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    sent_at             INTEGER,
    attempts            INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error               TEXT,
    cancel_requested_at INTEGER,
    next_attempt_at     INTEGER NOT NULL,
    fence               INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (admin_id, contact_id, id),
    FOREIGN KEY (admin_id, contact_id) REFERENCES contacts (admin_id, id),
    FOREIGN KEY (admin_id, campaign_id) REFERENCES campaigns (admin_id, id)
) STRICT;
CREATE INDEX outreach_due ON outreach (admin_id, campaign_id, next_attempt_at, id) WHERE status = 'scheduled';
CREATE INDEX outreach_leased ON outreach (next_attempt_at) WHERE status = 'sending';
CREATE INDEX outreach_open_by_campaign ON outreach (admin_id, campaign_id) WHERE status IN ('scheduled', 'sending');

-- The log. `bytes` is the canonical form without the four ids at its head, which are columns (see `decision_bytes`).
CREATE TABLE decisions (
    splitter_id BLOB    NOT NULL,
    seq         INTEGER NOT NULL CHECK (seq > 0),
    admin_id    BLOB    NOT NULL,
    id          BLOB    NOT NULL CONSTRAINT decisions_id UNIQUE CHECK (length(id) = 16),
    contact_id  BLOB    NOT NULL CHECK (length(contact_id) = 16),
    campaign_id BLOB    NOT NULL CHECK (length(campaign_id) = 16),
    at          INTEGER NOT NULL,
    bytes       BLOB    NOT NULL,
    hash        BLOB    NOT NULL CHECK (length(hash) = 32),
    CONSTRAINT decisions_seq UNIQUE (splitter_id, seq),
    FOREIGN KEY (admin_id, splitter_id) REFERENCES splitters (admin_id, id)
) STRICT;
CREATE INDEX decisions_by_campaign ON decisions (campaign_id, seq);
CREATE INDEX decisions_by_contact ON decisions (contact_id);

CREATE TABLE idempotency (
    admin_id    BLOB    NOT NULL REFERENCES admins (id),
    route       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    body_hash   BLOB    NOT NULL CHECK (length(body_hash) = 32),
    created_at  INTEGER NOT NULL,
    status      INTEGER NOT NULL CHECK (status BETWEEN 100 AND 599),
    body        BLOB    NOT NULL,
    decision_id BLOB,
    PRIMARY KEY (admin_id, route, key)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
