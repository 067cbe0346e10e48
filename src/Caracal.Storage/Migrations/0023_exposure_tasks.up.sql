-- What has to be changed because its key-encryption key was in wrong hands (operations.md 4.6.1): one row for each value.
CREATE TABLE key_exposure_tasks (
    id text PRIMARY KEY, kid text NOT NULL, kind text NOT NULL, zone_id text NOT NULL, item text NOT NULL, version bigint NOT NULL,
    opened_at {time} NOT NULL, opened_by text NOT NULL, reason text NOT NULL,
    closed_at {time}, closed_by text, close_reason text,
    UNIQUE (kid, kind, item));
CREATE INDEX key_exposure_tasks_open ON key_exposure_tasks (zone_id, kind, item) WHERE closed_at IS NULL;
