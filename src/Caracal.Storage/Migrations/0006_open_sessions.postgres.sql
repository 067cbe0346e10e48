-- Once per statement: the end of ten thousand Sessions changes each count once. Runs with its owner's rights, so that a
-- service that may end a Session needs none on the counts.
CREATE FUNCTION count_open_sessions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO open_sessions AS o (zone_id, application_id, held)
        SELECT c.zone_id, k.application_id, count(*) FROM changed c CROSS JOIN LATERAL (VALUES (''), (c.application_id)) AS k (application_id)
        WHERE c.status IN ('active', 'suspended') GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (zone_id, application_id) DO UPDATE SET held = o.held + excluded.held;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO open_sessions AS o (zone_id, application_id, held)
        SELECT c.zone_id, k.application_id, -count(*) FROM changed c CROSS JOIN LATERAL (VALUES (''), (c.application_id)) AS k (application_id)
        WHERE c.status IN ('active', 'suspended') GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (zone_id, application_id) DO UPDATE SET held = o.held + excluded.held;
    ELSE
        INSERT INTO open_sessions AS o (zone_id, application_id, held)
        SELECT c.zone_id, k.application_id,
            sum((c.status IN ('active', 'suspended'))::int - (b.status IN ('active', 'suspended'))::int)
        FROM changed c JOIN before b ON b.id = c.id CROSS JOIN LATERAL (VALUES (''), (c.application_id)) AS k (application_id)
        WHERE (c.status IN ('active', 'suspended')) <> (b.status IN ('active', 'suspended'))
        GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (zone_id, application_id) DO UPDATE SET held = o.held + excluded.held;
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION count_open_sessions() FROM PUBLIC;
CREATE TRIGGER sessions_counted_in AFTER INSERT ON sessions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_open_sessions();
CREATE TRIGGER sessions_counted AFTER UPDATE ON sessions
    REFERENCING NEW TABLE AS changed OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION count_open_sessions();
CREATE TRIGGER sessions_counted_out AFTER DELETE ON sessions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_open_sessions();
