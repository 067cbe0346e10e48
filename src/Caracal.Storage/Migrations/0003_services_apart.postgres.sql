-- Under row-level security a condition on a document cannot use an index: its operators might leak rows that are not to be
-- seen, so PostgreSQL judges them last. Plain columns can; these are what operators look for.
DROP INDEX audit_events_agent_session;
DROP INDEX audit_events_session;
DROP INDEX audit_events_labels;
ALTER TABLE audit_events
    ADD COLUMN agent_session_id text GENERATED ALWAYS AS (metadata_json ->> 'agent_session_id') STORED,
    ADD COLUMN session_id text GENERATED ALWAYS AS (metadata_json ->> 'session_id') STORED;
CREATE INDEX audit_events_agent_session ON audit_events (zone_id, agent_session_id, occurred_at DESC, id DESC)
    WHERE agent_session_id IS NOT NULL;
CREATE INDEX audit_events_session ON audit_events (zone_id, session_id, occurred_at DESC, id DESC)
    WHERE session_id IS NOT NULL;

-- A new month is closed before it holds a row: it is reached through the ledger alone. Rows of its time that wait in the
-- default partition move into it; whoever may not see them all cannot make it.
CREATE OR REPLACE FUNCTION audit_partition_ensure(day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month_start timestamptz := date_trunc('month', day::timestamp) AT TIME ZONE 'UTC';
    month_end timestamptz := (date_trunc('month', day::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    partition text := 'audit_events_y' || to_char(day, 'YYYY') || 'm' || to_char(day, 'MM');
    columns text;
BEGIN
    IF to_regclass('public.' || partition) IS NOT NULL THEN RETURN false; END IF;
    EXECUTE format('CREATE TABLE %I (LIKE audit_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)', partition);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
    SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
        WHERE attrelid = 'public.audit_events'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format(
        'WITH moved AS (DELETE FROM audit_events_default WHERE occurred_at >= %L AND occurred_at < %L RETURNING *) '
        'INSERT INTO %I (%s) SELECT %s FROM moved', month_start, month_end, partition, columns, columns);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        partition, month_start, month_end);
    RETURN true;
END $$;
