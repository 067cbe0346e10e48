-- What was found in the rows of an epoch when it was sealed: a seal vouches for what is stored, not for what was there before.
ALTER TABLE audit_epochs ADD COLUMN problems bigint NOT NULL DEFAULT 0;

-- Audit says that every chain of a rotation is sealed; the rotation waits for it.
CREATE TABLE audit_rotation_seals (
    rotation_id text PRIMARY KEY, key_id text NOT NULL, chains bigint NOT NULL, problems bigint NOT NULL, sealed_at {time} NOT NULL);
