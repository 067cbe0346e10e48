-- Who removes a month says so with the audit key: a row that somebody else wrote explains no missing event.
ALTER TABLE audit_partition_drops ADD COLUMN drop_hmac text;
ALTER TABLE audit_partition_drops ADD COLUMN hmac_key_id text;
