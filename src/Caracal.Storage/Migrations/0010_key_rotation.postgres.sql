-- How a service says that it lives and which keys it holds, of itself and of nobody else. Without slots it says farewell.
CREATE FUNCTION ops_heartbeat(
    p_service text, p_instance text, p_version text, p_mode text, p_address text, p_started timestamptz, p_seen timestamptz, p_slots text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF session_user ~ '^caracal(api|sts|gateway|coordinator|audit)(_[ab])?$' AND session_user !~ ('^caracal' || p_service || '(_[ab])?$') THEN
        RAISE insufficient_privilege USING MESSAGE = 'a service speaks for itself only';
    END IF;
    IF p_slots IS NULL THEN
        UPDATE service_instances SET stopped_at = p_seen WHERE service = p_service AND instance = p_instance;
        RETURN;
    END IF;
    INSERT INTO service_instances (service, instance, version, mode, address, started_at, last_seen, stopped_at, key_slots)
        VALUES (p_service, p_instance, p_version, p_mode, p_address, p_started, p_seen, NULL, p_slots::jsonb)
        ON CONFLICT (service, instance) DO UPDATE SET version = excluded.version, mode = excluded.mode, address = excluded.address,
            started_at = excluded.started_at, last_seen = excluded.last_seen, stopped_at = NULL, key_slots = excluded.key_slots;
END $$;
REVOKE ALL ON FUNCTION ops_heartbeat(text, text, text, text, text, timestamptz, timestamptz, text) FROM PUBLIC;

-- The state of a key in the registry; the first key of a class nobody has registered yet is adopted.
CREATE FUNCTION ops_key_state(p_class text, p_sid text, p_key_id text, p_at timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ops_key_state'));
    INSERT INTO key_registry (class, scope, sid, key_id, state, first_seen_at, activated_at)
        SELECT p_class, '', p_sid, p_key_id, 'active', p_at, p_at
        WHERE NOT EXISTS (SELECT 1 FROM key_registry WHERE class = p_class AND scope = '');
    RETURN (SELECT state FROM key_registry WHERE class = p_class AND scope = '' AND sid = p_sid);
END $$;
REVOKE ALL ON FUNCTION ops_key_state(text, text, text, timestamptz) FROM PUBLIC;
