-- What only PostgreSQL says: the ledger in monthly partitions, functions and triggers.

CREATE TABLE audit_events (
    id text NOT NULL, zone_id text NOT NULL, event_type text, request_id text, decision text, policy_set_id text,
    policy_set_version_id text, manifest_sha text, evaluation_status text, determining_policies_json jsonb,
    diagnostics_json jsonb, metadata_json jsonb, occurred_at timestamptz NOT NULL,
    ingested_at timestamptz NOT NULL DEFAULT now(), content_sha256 text NOT NULL, prev_content_sha256 text,
    chain_hmac text, chain_seq bigint NOT NULL, ingest_signature text, hmac_key_id text, ingest_key_id text,
    PRIMARY KEY (id, occurred_at)) PARTITION BY RANGE (occurred_at);
CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;
CREATE INDEX audit_events_zone_seq ON audit_events (zone_id, chain_seq DESC);
CREATE INDEX audit_events_zone_time ON audit_events (zone_id, occurred_at DESC, id DESC);
CREATE INDEX audit_events_request ON audit_events (request_id);
CREATE INDEX audit_events_agent_session ON audit_events ((metadata_json ->> 'agent_session_id'));
CREATE INDEX audit_events_session ON audit_events ((metadata_json ->> 'session_id'));
CREATE INDEX audit_events_labels ON audit_events USING gin ((metadata_json -> 'agent_labels'));

-- Makes sure the month of the given day has its partition. Rows of that month that went to the default partition move.
CREATE FUNCTION audit_partition_ensure(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month_start timestamptz := date_trunc('month', day::timestamp) AT TIME ZONE 'UTC';
    month_end timestamptz := (date_trunc('month', day::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    partition text := 'audit_events_y' || to_char(day, 'YYYY') || 'm' || to_char(day, 'MM');
BEGIN
    IF to_regclass('public.' || partition) IS NOT NULL THEN RETURN false; END IF;
    EXECUTE format('CREATE TABLE %I (LIKE audit_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
    EXECUTE format(
        'WITH moved AS (DELETE FROM audit_events_default WHERE occurred_at >= %L AND occurred_at < %L RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', month_start, month_end, partition);
    EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        partition, month_start, month_end);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION audit_partition_ensure(date) FROM PUBLIC;

CREATE FUNCTION audit_partition_drop(partition text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF partition !~ '^audit_events_y[0-9]{4}m[0-9]{2}$' OR NOT EXISTS (
        SELECT 1 FROM pg_inherits WHERE inhparent = 'public.audit_events'::regclass
            AND inhrelid = to_regclass('public.' || partition)) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I', partition);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION audit_partition_drop(text) FROM PUBLIC;

SELECT audit_partition_ensure((date_trunc('month', now()) + make_interval(months => m))::date) FROM generate_series(0, 3) AS m;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% rows are immutable', TG_TABLE_NAME; END $$;
CREATE TRIGGER policy_versions_keep BEFORE UPDATE OR DELETE ON policy_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policy_set_versions_keep BEFORE UPDATE OR DELETE ON policy_set_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Runs with its owner's rights, so that a service needs none on zone_versions to change what it may change.
CREATE FUNCTION raise_zone_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    zone text;
BEGIN
    IF TG_TABLE_NAME = 'zones' THEN
        zone := NEW.id;
    ELSIF TG_OP = 'DELETE' THEN
        zone := OLD.zone_id;
    ELSE
        zone := NEW.zone_id;
    END IF;
    INSERT INTO zone_versions (zone_id, version) VALUES (zone, 1)
        ON CONFLICT (zone_id) DO UPDATE SET version = zone_versions.version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER zones_version AFTER INSERT OR UPDATE ON zones FOR EACH ROW EXECUTE FUNCTION raise_zone_version();
{zone_version:applications}
{zone_version:workloads}
{zone_version:credential_secrets}
{zone_version:providers}
{zone_version:resources}
{zone_version:policy_set_bindings}
{zone_version:subject_issuers}
{zone_version:secret_store}
{zone_version:secrets}
