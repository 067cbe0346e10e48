-- Retention removes rows that a seal covers. What is left of them is what the seal's digest needs, so that it can still be checked
-- (operations.md 4.6.3, 7.5): of the first rows of an epoch their digest, of a row behind one that stays its two hashes. Neither is
-- vouched for: what does not give the sealed digest is found.
ALTER TABLE audit_epochs ADD COLUMN row_count bigint;
CREATE TABLE audit_epoch_starts (
    epoch_id text PRIMARY KEY, last_seq bigint NOT NULL, row_count bigint NOT NULL, digest text NOT NULL, kept_at {time} NOT NULL);
CREATE TABLE audit_removed_rows (
    chain text NOT NULL, chain_seq bigint NOT NULL, content_sha256 text NOT NULL, chain_hmac text, PRIMARY KEY (chain, chain_seq));

-- A record of a removal must not depend on a key that goes: each later key vouches for it too.
CREATE TABLE audit_partition_drop_macs (
    partition_name text NOT NULL, zone_id text NOT NULL, mac_key_id text NOT NULL, mac text NOT NULL, at {time} NOT NULL,
    PRIMARY KEY (partition_name, zone_id, mac_key_id));
