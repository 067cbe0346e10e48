-- A mandate's jti comes with one expiry only, so both together name it; by time, new rows lie side by side and what is
-- purged does too.
ALTER TABLE used_mandates RENAME TO used_mandates_by_jti;
CREATE TABLE used_mandates (jti text NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (expires_at, jti)) WITHOUT ROWID;
INSERT INTO used_mandates (jti, expires_at) SELECT jti, expires_at FROM used_mandates_by_jti;
DROP TABLE used_mandates_by_jti;

-- The id is a UUIDv7: the table itself can be in its order, without a second tree that says where each row is.
ALTER TABLE authority_records RENAME TO authority_records_by_row;
DROP INDEX authority_records_zone_created;
DROP INDEX authority_records_subject;
DROP INDEX authority_records_parent;
DROP INDEX authority_records_revoked;
DROP INDEX authority_records_due;
CREATE TABLE authority_records (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id),
    session_type text NOT NULL CHECK (session_type IN ('user', 'application')), subject_id text NOT NULL,
    parent_id text, status text NOT NULL CHECK (status IN ('active', 'revoked', 'expired')),
    expires_at INTEGER NOT NULL, authenticated_at INTEGER NOT NULL, claims_json TEXT, created_at INTEGER NOT NULL,
    revoked_at INTEGER, revoked_reason text) WITHOUT ROWID;
INSERT INTO authority_records
    (id, zone_id, session_type, subject_id, parent_id, status, expires_at, authenticated_at, claims_json, created_at,
     revoked_at, revoked_reason)
SELECT id, zone_id, session_type, subject_id, parent_id, status, expires_at, authenticated_at, claims_json, created_at,
       revoked_at, revoked_reason FROM authority_records_by_row;
DROP TABLE authority_records_by_row;
CREATE INDEX authority_records_zone_created ON authority_records (zone_id, created_at DESC, id DESC);
CREATE INDEX authority_records_subject ON authority_records (zone_id, subject_id) WHERE status = 'active';
CREATE INDEX authority_records_parent ON authority_records (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX authority_records_revoked ON authority_records (expires_at) WHERE status = 'revoked';
CREATE INDEX authority_records_due ON authority_records (expires_at) WHERE status = 'active';
