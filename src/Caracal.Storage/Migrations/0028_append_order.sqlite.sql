-- New rows have the largest keys. In descending order they came before all others, where the engine halves a page at every
-- split and never fills the halves; in ascending order the last page fills up and a new one begins. Both read both ways.
DROP INDEX audit_events_zone_seq;
CREATE UNIQUE INDEX audit_events_zone_seq ON audit_events (zone_id, chain_seq);
DROP INDEX audit_events_zone_time;
CREATE INDEX audit_events_zone_time ON audit_events (zone_id, occurred_at, id);
DROP INDEX authority_records_zone_created;
CREATE INDEX authority_records_zone_created ON authority_records (zone_id, created_at, id);
