-- Registered agent services and the calls made to them (coordinator.md 4, 7, 9).
CREATE TABLE agent_services (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), application_id text NOT NULL, endpoint_url text NOT NULL,
    protocol_versions {texts} NOT NULL, framework_name text, framework_version text, capabilities {texts} NOT NULL,
    health text NOT NULL CHECK (health IN ('starting', 'healthy', 'degraded', 'unhealthy')), metadata_json {json} NOT NULL,
    last_heartbeat_at {time}, created_at {time} NOT NULL, updated_at {time} NOT NULL,
    UNIQUE (zone_id, application_id, endpoint_url),
    FOREIGN KEY (zone_id, application_id) REFERENCES applications (zone_id, id));
CREATE INDEX agent_services_zone ON agent_services (zone_id, id DESC);

CREATE TABLE agent_invocations (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), service_id text NOT NULL REFERENCES agent_services (id),
    source_session_id text REFERENCES sessions (id) ON DELETE SET NULL,
    target_session_id text REFERENCES sessions (id) ON DELETE SET NULL,
    method text NOT NULL, params_json {json} NOT NULL, metadata_json {json} NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'running', 'cancel_requested', 'succeeded', 'failed', 'canceled',
        'timed_out', 'dead')),
    attempts bigint NOT NULL DEFAULT 0, max_attempts bigint NOT NULL CHECK (max_attempts > 0),
    timeout_ms bigint NOT NULL CHECK (timeout_ms > 0), retry_policy_json {json} NOT NULL, error_json {json},
    deadline_at {time}, cancel_requested_at {time}, started_at {time}, completed_at {time}, created_at {time} NOT NULL,
    updated_at {time} NOT NULL);
CREATE INDEX agent_invocations_zone ON agent_invocations (zone_id, id DESC);
CREATE INDEX agent_invocations_service ON agent_invocations (service_id, id DESC);
CREATE INDEX agent_invocations_source ON agent_invocations (source_session_id) WHERE source_session_id IS NOT NULL;
CREATE INDEX agent_invocations_target ON agent_invocations (target_session_id) WHERE target_session_id IS NOT NULL;
CREATE INDEX agent_invocations_deadline ON agent_invocations (deadline_at) WHERE status IN ('running', 'cancel_requested');
CREATE INDEX agent_invocations_pending ON agent_invocations (created_at) WHERE status = 'pending';
CREATE INDEX agent_invocations_over ON agent_invocations (completed_at) WHERE completed_at IS NOT NULL;
