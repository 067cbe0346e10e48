-- The embedded engine keeps no statistics: given the choice it walked the zone's whole chain, because that is the order
-- asked for. This index is both the condition and the order.
DROP INDEX audit_events_request;
CREATE INDEX audit_events_request ON audit_events (zone_id, request_id, chain_seq);
