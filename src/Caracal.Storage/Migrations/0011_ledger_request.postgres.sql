-- One index answers who asks for a request, in chain order; the old one left the planner a choice it got wrong.
DROP INDEX audit_events_request;
CREATE INDEX audit_events_request ON audit_events (zone_id, request_id, chain_seq);
