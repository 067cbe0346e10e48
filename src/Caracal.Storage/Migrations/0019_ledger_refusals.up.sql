-- What was not simply allowed is rare, and what operators look for: found without walking the zone's chain, in its order
-- and by time. An event that was allowed touches neither index.
CREATE INDEX audit_events_refused_seq ON audit_events (zone_id, decision, chain_seq) WHERE decision <> 'allow';
CREATE INDEX audit_events_refused_time ON audit_events (zone_id, decision, occurred_at DESC, id DESC) WHERE decision <> 'allow';
