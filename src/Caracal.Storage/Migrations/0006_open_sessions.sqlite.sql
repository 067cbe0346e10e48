CREATE TRIGGER sessions_counted_in AFTER INSERT ON sessions WHEN NEW.status IN ('active', 'suspended')
BEGIN
    INSERT INTO open_sessions (zone_id, application_id, held) VALUES (NEW.zone_id, '', 1), (NEW.zone_id, NEW.application_id, 1)
        ON CONFLICT (zone_id, application_id) DO UPDATE SET held = open_sessions.held + 1;
END;
CREATE TRIGGER sessions_counted AFTER UPDATE OF status ON sessions
    WHEN (NEW.status IN ('active', 'suspended')) <> (OLD.status IN ('active', 'suspended'))
BEGIN
    UPDATE open_sessions SET held = held + CASE WHEN NEW.status IN ('active', 'suspended') THEN 1 ELSE -1 END
        WHERE zone_id = NEW.zone_id AND application_id IN ('', NEW.application_id);
END;
CREATE TRIGGER sessions_counted_out AFTER DELETE ON sessions WHEN OLD.status IN ('active', 'suspended')
BEGIN
    UPDATE open_sessions SET held = held - 1 WHERE zone_id = OLD.zone_id AND application_id IN ('', OLD.application_id);
END;
