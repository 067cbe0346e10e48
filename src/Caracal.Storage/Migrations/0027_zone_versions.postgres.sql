DROP TRIGGER secret_store_version ON secret_store;
CREATE TRIGGER secret_store_version AFTER INSERT OR UPDATE ON secret_store
    FOR EACH ROW WHEN (NEW.ref NOT LIKE '%/staged' AND NEW.ref NOT LIKE '%/previous') EXECUTE FUNCTION raise_zone_version();
CREATE TRIGGER secret_store_version_delete AFTER DELETE ON secret_store
    FOR EACH ROW WHEN (OLD.ref NOT LIKE '%/staged' AND OLD.ref NOT LIKE '%/previous') EXECUTE FUNCTION raise_zone_version();

DROP TRIGGER credential_secrets_version ON credential_secrets;
CREATE TRIGGER credential_secrets_version AFTER INSERT OR DELETE OR UPDATE OF id, zone_id, owner, hash, state, expires_at ON credential_secrets
    FOR EACH ROW EXECUTE FUNCTION raise_zone_version();
