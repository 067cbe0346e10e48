-- A month goes as a table, with every row in it: before it is counted for the last time nobody may add one any more.
CREATE FUNCTION audit_partition_close(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF partition ~ '^audit_events_y[0-9]{4}m[0-9]{2}$' AND EXISTS (
        SELECT 1 FROM pg_inherits WHERE inhparent = 'public.audit_events'::regclass
            AND inhrelid = to_regclass('public.' || partition)) THEN
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', partition);
    END IF;
END $$;
REVOKE ALL ON FUNCTION audit_partition_close(text) FROM PUBLIC;
