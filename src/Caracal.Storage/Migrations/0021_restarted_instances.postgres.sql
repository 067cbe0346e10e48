CREATE OR REPLACE FUNCTION ops_heartbeat(
    p_service text, p_instance text, p_version text, p_mode text, p_address text, p_started timestamptz, p_seen timestamptz, p_slots text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF session_user ~ '^caracal(api|sts|gateway|coordinator|audit)(_[ab])?$' AND session_user !~ ('^caracal' || p_service || '(_[ab])?$')
        AND NOT (p_service = 'console' AND session_user ~ '^caracalapi(_[ab])?$') THEN
        RAISE insufficient_privilege USING MESSAGE = 'a service speaks for itself only';
    END IF;
    IF p_slots IS NULL THEN
        UPDATE service_instances SET stopped_at = p_seen WHERE service = p_service AND instance = p_instance;
        RETURN;
    END IF;
    INSERT INTO service_instances (service, instance, version, mode, address, started_at, last_seen, stopped_at, key_slots)
        SELECT service, instance || '~' || extract(epoch FROM last_seen)::bigint, version, mode, NULL, started_at, last_seen, coalesce(stopped_at, last_seen), key_slots
        FROM service_instances
        WHERE service = p_service AND instance = p_instance AND started_at <> p_started AND key_slots::text ~ '"(previous_used|unmatched)_seconds": ?[0-9]'
        ON CONFLICT DO NOTHING;
    INSERT INTO service_instances (service, instance, version, mode, address, started_at, last_seen, stopped_at, key_slots)
        VALUES (p_service, p_instance, p_version, p_mode, p_address, p_started, p_seen, NULL, p_slots::jsonb)
        ON CONFLICT (service, instance) DO UPDATE SET version = excluded.version, mode = excluded.mode, address = excluded.address,
            started_at = excluded.started_at, last_seen = excluded.last_seen, stopped_at = NULL, key_slots = excluded.key_slots;
END $$;
