-- What only the embedded engine says: the ledger as one table (PostgreSQL partitions it by month), and triggers.

CREATE TABLE audit_events (
    id text NOT NULL, zone_id text NOT NULL, event_type text, request_id text, decision text, policy_set_id text,
    policy_set_version_id text, manifest_sha text, evaluation_status text, determining_policies_json TEXT,
    diagnostics_json TEXT, metadata_json TEXT, occurred_at INTEGER NOT NULL, ingested_at INTEGER NOT NULL,
    content_sha256 text NOT NULL, prev_content_sha256 text, chain_hmac text, chain_seq bigint NOT NULL,
    ingest_signature text, hmac_key_id text, ingest_key_id text, PRIMARY KEY (id, occurred_at));
CREATE UNIQUE INDEX audit_events_zone_seq ON audit_events (zone_id, chain_seq DESC);
CREATE INDEX audit_events_zone_time ON audit_events (zone_id, occurred_at DESC, id DESC);
CREATE INDEX audit_events_request ON audit_events (request_id);

CREATE TRIGGER policy_versions_keep_update BEFORE UPDATE ON policy_versions
BEGIN SELECT RAISE(ABORT, 'policy versions are immutable'); END;
CREATE TRIGGER policy_versions_keep_delete BEFORE DELETE ON policy_versions
BEGIN SELECT RAISE(ABORT, 'policy versions are immutable'); END;
CREATE TRIGGER policy_set_versions_keep_update BEFORE UPDATE ON policy_set_versions
BEGIN SELECT RAISE(ABORT, 'policy set versions are immutable'); END;
CREATE TRIGGER policy_set_versions_keep_delete BEFORE DELETE ON policy_set_versions
BEGIN SELECT RAISE(ABORT, 'policy set versions are immutable'); END;

CREATE TRIGGER zones_version_insert AFTER INSERT ON zones
BEGIN INSERT INTO zone_versions (zone_id, version) VALUES (NEW.id, 1)
      ON CONFLICT (zone_id) DO UPDATE SET version = zone_versions.version + 1; END;
CREATE TRIGGER zones_version_update AFTER UPDATE ON zones
BEGIN INSERT INTO zone_versions (zone_id, version) VALUES (NEW.id, 1)
      ON CONFLICT (zone_id) DO UPDATE SET version = zone_versions.version + 1; END;
{zone_version:applications}
{zone_version:workloads}
{zone_version:credential_secrets}
{zone_version:providers}
{zone_version:resources}
{zone_version:policy_set_bindings}
{zone_version:subject_issuers}
{zone_version:secret_store}
{zone_version:secrets}
