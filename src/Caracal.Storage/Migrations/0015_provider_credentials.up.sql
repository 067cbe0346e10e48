-- A second credential of a provider, from staging to retirement. Values lie sealed in secret_store; here is only how far it is.
ALTER TABLE providers ADD COLUMN credential_version bigint NOT NULL DEFAULT 1;
ALTER TABLE providers ADD COLUMN credential_observed_until {time};

CREATE TABLE provider_credential_changes (
    id text PRIMARY KEY, zone_id text NOT NULL, provider_id text NOT NULL, version bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('staged', 'proven', 'shifted', 'retired', 'fell_back', 'discarded')),
    fields {json} NOT NULL, previous_fields {json}, canary_status text, canary_detail text, canary_at {time},
    forced {bool} NOT NULL DEFAULT {false}, automatic {bool} NOT NULL DEFAULT {true}, refusals_allowed bigint NOT NULL DEFAULT 0,
    refused_percent bigint NOT NULL DEFAULT 0, credential_version bigint NOT NULL DEFAULT 0, shifted_at {time}, observe_until {time},
    answers bigint NOT NULL DEFAULT 0, refusals bigint NOT NULL DEFAULT 0, ended_at {time}, end_reason text,
    created_by text, created_at {time} NOT NULL, updated_at {time} NOT NULL,
    FOREIGN KEY (zone_id, provider_id) REFERENCES providers (zone_id, id));
CREATE UNIQUE INDEX provider_credential_changes_open ON provider_credential_changes (provider_id)
    WHERE state IN ('staged', 'proven', 'shifted');
CREATE INDEX provider_credential_changes_time ON provider_credential_changes (provider_id, created_at DESC, id DESC);
