-- A mandate's jti comes with one expiry only, so both together name it; one index serves the check and the purge.
ALTER TABLE used_mandates DROP CONSTRAINT used_mandates_pkey;
DROP INDEX used_mandates_expiry;
ALTER TABLE used_mandates ADD PRIMARY KEY (expires_at, jti);
