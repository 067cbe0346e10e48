-- How many Sessions are open, per application and (application '') per zone, so that a start asks one row instead of
-- counting them all. Whoever changes a Session changes its count with it, in the same transaction.
CREATE TABLE open_sessions (
    zone_id text NOT NULL, application_id text NOT NULL, held bigint NOT NULL, PRIMARY KEY (zone_id, application_id));
INSERT INTO open_sessions (zone_id, application_id, held)
    SELECT zone_id, '', count(*) FROM sessions WHERE status IN ('active', 'suspended') GROUP BY zone_id;
INSERT INTO open_sessions (zone_id, application_id, held)
    SELECT zone_id, application_id, count(*) FROM sessions WHERE status IN ('active', 'suspended') GROUP BY zone_id, application_id;

-- Every question about an edge names its zone: with the zone in front these indexes answer alone, however many edges
-- other Sessions of the zone have.
DROP INDEX delegation_edges_source;
DROP INDEX delegation_edges_target;
CREATE INDEX delegation_edges_source ON delegation_edges (source_session_id, zone_id, status);
CREATE INDEX delegation_edges_target ON delegation_edges (target_session_id, zone_id, status);
CREATE INDEX sessions_open_tasks ON sessions (started_at, id) WHERE lifecycle = 'task' AND status IN ('active', 'suspended');
