-- Every primary and unique key of a table that is as large as an admin's data names the admin, so that such tables can be
-- distributed by admin. It comes last in them: who knows the rest of a key finds its row as before.
--
-- admins, api_keys and rate_windows stay as they are: they are looked up before anybody knows whose request it is.

ALTER TABLE splitters DROP CONSTRAINT splitters_pkey, ADD PRIMARY KEY (id, admin_id);
ALTER TABLE splitter_campaigns DROP CONSTRAINT splitter_campaigns_pkey, ADD PRIMARY KEY (splitter_id, campaign_id, admin_id);
ALTER TABLE splitter_states DROP CONSTRAINT splitter_states_pkey, ADD PRIMARY KEY (splitter_id, admin_id);
ALTER TABLE splitter_versions DROP CONSTRAINT splitter_versions_pkey, ADD PRIMARY KEY (splitter_id, version, admin_id);
ALTER TABLE splitter_trials DROP CONSTRAINT splitter_trials_pkey, ADD PRIMARY KEY (splitter_id, decision_id, admin_id);
ALTER TABLE splitter_events DROP CONSTRAINT splitter_events_pkey, ADD PRIMARY KEY (splitter_id, seq, admin_id);
ALTER TABLE decisions DROP CONSTRAINT decisions_pkey, ADD PRIMARY KEY (splitter_id, seq, admin_id);

-- Ids are random, and a row's place in its log is unique: these need only be found.
ALTER TABLE splitter_events DROP CONSTRAINT splitter_events_id_key;
CREATE INDEX splitter_events_by_id ON splitter_events (id);
ALTER TABLE decisions DROP CONSTRAINT decisions_id;
CREATE INDEX decisions_by_id ON decisions (id);
