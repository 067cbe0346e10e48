DROP TRIGGER secret_store_version_insert;
DROP TRIGGER secret_store_version_update;
DROP TRIGGER secret_store_version_delete;
CREATE TRIGGER secret_store_version_insert AFTER INSERT ON secret_store
WHEN NEW.ref NOT GLOB '*/staged' AND NEW.ref NOT GLOB '*/previous'
BEGIN INSERT INTO zone_versions (zone_id, version) VALUES (NEW.zone_id, 1)
      ON CONFLICT (zone_id) DO UPDATE SET version = zone_versions.version + 1; END;
CREATE TRIGGER secret_store_version_update AFTER UPDATE ON secret_store
WHEN NEW.ref NOT GLOB '*/staged' AND NEW.ref NOT GLOB '*/previous'
BEGIN INSERT INTO zone_versions (zone_id, version) VALUES (NEW.zone_id, 1)
      ON CONFLICT (zone_id) DO UPDATE SET version = zone_versions.version + 1; END;
CREATE TRIGGER secret_store_version_delete AFTER DELETE ON secret_store
WHEN OLD.ref NOT GLOB '*/staged' AND OLD.ref NOT GLOB '*/previous'
BEGIN INSERT INTO zone_versions (zone_id, version) VALUES (OLD.zone_id, 1)
      ON CONFLICT (zone_id) DO UPDATE SET version = zone_versions.version + 1; END;

DROP TRIGGER credential_secrets_version_update;
CREATE TRIGGER credential_secrets_version_update AFTER UPDATE OF id, zone_id, owner, hash, state, expires_at ON credential_secrets
BEGIN INSERT INTO zone_versions (zone_id, version) VALUES (NEW.zone_id, 1)
      ON CONFLICT (zone_id) DO UPDATE SET version = zone_versions.version + 1; END;
