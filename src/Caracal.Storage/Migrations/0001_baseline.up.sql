-- The tables of storage.md 4. One text for both engines: {time}, {json}, {texts}, {bytes} and {bool} become the
-- engine's types. What only one engine has stands in 0001_baseline.<engine>.sql beside this file.

CREATE TABLE zones (
    id text PRIMARY KEY, name text NOT NULL, slug text NOT NULL UNIQUE, dcr_enabled {bool} NOT NULL DEFAULT {false},
    owner_account_id text, operator_coauthor_badge {bool} NOT NULL DEFAULT {true},
    operator_governed {bool} NOT NULL DEFAULT {false},
    created_by text, created_via_operator {bool} NOT NULL DEFAULT {false},
    updated_by text, updated_via_operator {bool} NOT NULL DEFAULT {false},
    created_at {time} NOT NULL, updated_at {time} NOT NULL, archived_at {time});
CREATE INDEX zones_keyset ON zones (created_at DESC, id DESC) WHERE archived_at IS NULL;

-- A number that rises with every change of what decides in a zone; caches compare it before they are believed.
CREATE TABLE zone_versions (zone_id text PRIMARY KEY, version bigint NOT NULL);

CREATE TABLE applications (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), name text NOT NULL,
    registration_method text NOT NULL CHECK (registration_method IN ('managed', 'dcr')),
    credential_type text NOT NULL DEFAULT 'token', client_secret_hash text, traits {texts} NOT NULL,
    expires_at {time}, archived_at {time}, created_at {time} NOT NULL, updated_at {time},
    created_by text, created_via_operator {bool} NOT NULL DEFAULT {false},
    updated_by text, updated_via_operator {bool} NOT NULL DEFAULT {false},
    UNIQUE (zone_id, id), CHECK (registration_method <> 'dcr' OR expires_at IS NOT NULL));
CREATE UNIQUE INDEX applications_zone_name_active_uidx ON applications (zone_id, lower(name))
    WHERE archived_at IS NULL AND registration_method = 'managed';
CREATE INDEX applications_keyset ON applications (zone_id, created_at DESC, id DESC) WHERE archived_at IS NULL;

CREATE TABLE workloads (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id) ON DELETE CASCADE, name text NOT NULL,
    secret_hash text NOT NULL, bindings {json} NOT NULL, created_at {time} NOT NULL, updated_at {time},
    created_by text, created_via_operator {bool} NOT NULL DEFAULT {false},
    updated_by text, updated_via_operator {bool} NOT NULL DEFAULT {false}, UNIQUE (zone_id, id));
CREATE UNIQUE INDEX workloads_zone_name_uidx ON workloads (zone_id, lower(name));
CREATE INDEX workloads_keyset ON workloads (zone_id, created_at DESC, id DESC);

CREATE TABLE credential_secrets (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), owner text NOT NULL, hash text NOT NULL,
    state text NOT NULL CHECK (state IN ('previous', 'retired')), expires_at {time}, last_used_at {time},
    created_at {time} NOT NULL);
CREATE INDEX credential_secrets_owner ON credential_secrets (zone_id, owner, state);

CREATE TABLE providers (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), name text NOT NULL, identifier text NOT NULL,
    provider_kind text NOT NULL CHECK (provider_kind IN ('none', 'caracal_mandate', 'http_basic', 'api_key',
        'bearer_token', 'oauth2_client_credentials', 'oauth2_authorization_code')),
    config_json {json} NOT NULL, secret_config_keys {texts} NOT NULL, connectivity_failed_at {time},
    created_at {time} NOT NULL, updated_at {time} NOT NULL, archived_at {time},
    created_by text, created_via_operator {bool} NOT NULL DEFAULT {false},
    updated_by text, updated_via_operator {bool} NOT NULL DEFAULT {false}, UNIQUE (zone_id, id));
CREATE UNIQUE INDEX providers_zone_identifier_active_uidx ON providers (zone_id, identifier) WHERE archived_at IS NULL;
CREATE INDEX providers_keyset ON providers (zone_id, created_at DESC, id DESC) WHERE archived_at IS NULL;

CREATE TABLE resources (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), name text NOT NULL, identifier text NOT NULL,
    upstream_url text, credential_provider_id text NOT NULL, scopes {texts} NOT NULL, operations {json} NOT NULL,
    operation_enforcement text NOT NULL DEFAULT 'transport_uniform'
        CHECK (operation_enforcement IN ('enforced', 'transport_uniform')),
    created_at {time} NOT NULL, updated_at {time} NOT NULL, archived_at {time},
    created_by text, created_via_operator {bool} NOT NULL DEFAULT {false},
    updated_by text, updated_via_operator {bool} NOT NULL DEFAULT {false}, UNIQUE (zone_id, id),
    FOREIGN KEY (zone_id, credential_provider_id) REFERENCES providers (zone_id, id));
CREATE UNIQUE INDEX resources_zone_id_identifier_key ON resources (zone_id, identifier) WHERE archived_at IS NULL;
CREATE INDEX resources_keyset ON resources (zone_id, created_at DESC, id DESC) WHERE archived_at IS NULL;

CREATE TABLE policies (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), name text NOT NULL, description text,
    created_by text NOT NULL, created_via_operator {bool} NOT NULL DEFAULT {false},
    updated_by text, updated_via_operator {bool} NOT NULL DEFAULT {false},
    created_at {time} NOT NULL, updated_at {time} NOT NULL, archived_at {time});
CREATE UNIQUE INDEX policies_zone_name_active_uidx ON policies (zone_id, name) WHERE archived_at IS NULL;
CREATE INDEX policies_keyset ON policies (zone_id, created_at DESC, id DESC) WHERE archived_at IS NULL;

CREATE TABLE policy_versions (
    id text PRIMARY KEY, policy_id text NOT NULL REFERENCES policies (id), version bigint NOT NULL,
    content text NOT NULL, content_sha256 text NOT NULL, schema_version text NOT NULL, created_by text NOT NULL,
    created_at {time} NOT NULL, archived_at {time}, created_via_operator {bool} NOT NULL DEFAULT {false},
    UNIQUE (policy_id, version));

CREATE TABLE policy_sets (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), name text NOT NULL, description text,
    created_by text NOT NULL, created_via_operator {bool} NOT NULL DEFAULT {false},
    updated_by text, updated_via_operator {bool} NOT NULL DEFAULT {false},
    created_at {time} NOT NULL, updated_at {time} NOT NULL, archived_at {time});
CREATE UNIQUE INDEX policy_sets_zone_name_active_uidx ON policy_sets (zone_id, name) WHERE archived_at IS NULL;
CREATE INDEX policy_sets_keyset ON policy_sets (zone_id, created_at DESC, id DESC) WHERE archived_at IS NULL;

CREATE TABLE policy_set_versions (
    id text PRIMARY KEY, policy_set_id text NOT NULL REFERENCES policy_sets (id), version bigint NOT NULL,
    manifest_json {json} NOT NULL, manifest_sha256 text NOT NULL, schema_version text NOT NULL,
    created_by text NOT NULL, created_via_operator {bool} NOT NULL DEFAULT {false}, created_at {time} NOT NULL,
    UNIQUE (policy_set_id, version));

CREATE TABLE policy_set_bindings (
    zone_id text NOT NULL REFERENCES zones (id), policy_set_id text NOT NULL REFERENCES policy_sets (id),
    active_version_id text REFERENCES policy_set_versions (id), updated_at {time} NOT NULL,
    PRIMARY KEY (zone_id, policy_set_id));
CREATE UNIQUE INDEX policy_set_bindings_active_uidx ON policy_set_bindings (zone_id)
    WHERE active_version_id IS NOT NULL;

CREATE TABLE delegated_grants (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), application_id text NOT NULL,
    user_id text NOT NULL, resource_id text NOT NULL, scopes {texts} NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'revoked', 'expired')),
    created_at {time} NOT NULL, updated_at {time} NOT NULL,
    created_by text, created_via_operator {bool} NOT NULL DEFAULT {false},
    updated_by text, updated_via_operator {bool} NOT NULL DEFAULT {false},
    FOREIGN KEY (zone_id, application_id) REFERENCES applications (zone_id, id),
    FOREIGN KEY (zone_id, resource_id) REFERENCES resources (zone_id, id));
CREATE INDEX delegated_grants_keyset ON delegated_grants (zone_id, created_at DESC, id DESC);

CREATE TABLE subject_issuers (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), issuer text NOT NULL, jwks_url text NOT NULL,
    audience text NOT NULL, created_at {time} NOT NULL, updated_at {time} NOT NULL, archived_at {time},
    created_by text, created_via_operator {bool} NOT NULL DEFAULT {false},
    updated_by text, updated_via_operator {bool} NOT NULL DEFAULT {false});
CREATE UNIQUE INDEX subject_issuers_zone_issuer_active_uidx ON subject_issuers (zone_id, issuer)
    WHERE archived_at IS NULL;

CREATE TABLE provider_connections (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), subject_id text NOT NULL,
    provider_id text NOT NULL, status text NOT NULL CHECK (status IN ('active', 'revoked', 'expired')),
    access_token_ct {bytes}, refresh_token_ct {bytes}, expires_at {time}, refreshed_at {time},
    refresh_token_version bigint NOT NULL DEFAULT 0, created_at {time} NOT NULL, updated_at {time} NOT NULL,
    FOREIGN KEY (zone_id, provider_id) REFERENCES providers (zone_id, id));
CREATE UNIQUE INDEX provider_connections_active_uidx ON provider_connections (zone_id, subject_id, provider_id)
    WHERE status = 'active';

CREATE TABLE secret_store (
    ref text PRIMARY KEY, zone_id text NOT NULL, envelope {bytes} NOT NULL, version bigint NOT NULL DEFAULT 1,
    created_at {time} NOT NULL, updated_at {time} NOT NULL);

CREATE TABLE secrets (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), entity_id text NOT NULL, name text NOT NULL,
    type text NOT NULL CHECK (type IN ('token', 'password')), envelope {bytes} NOT NULL, version bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('next', 'active', 'previous', 'retired', 'compromised')),
    activates_at {time}, retired_at {time}, created_at {time} NOT NULL, updated_at {time} NOT NULL,
    UNIQUE (entity_id, name, version));
CREATE UNIQUE INDEX secrets_active_uidx ON secrets (entity_id, name) WHERE state = 'active';

CREATE TABLE authority_records (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id),
    session_type text NOT NULL CHECK (session_type IN ('user', 'application')), subject_id text NOT NULL,
    parent_id text, status text NOT NULL CHECK (status IN ('active', 'revoked', 'expired')),
    expires_at {time} NOT NULL, authenticated_at {time} NOT NULL, claims_json {json}, created_at {time} NOT NULL,
    revoked_at {time}, revoked_reason text);
CREATE INDEX authority_records_zone_created ON authority_records (zone_id, created_at DESC, id DESC);
CREATE INDEX authority_records_subject ON authority_records (zone_id, subject_id) WHERE status = 'active';
CREATE INDEX authority_records_parent ON authority_records (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX authority_records_revoked ON authority_records (expires_at) WHERE status = 'revoked';
CREATE INDEX authority_records_due ON authority_records (expires_at) WHERE status = 'active';

-- Gateway mandates that were exchanged, kept until they expire, so that a restart cannot reopen one (sts.md B19).
CREATE TABLE used_mandates (jti text PRIMARY KEY, expires_at {time} NOT NULL);
CREATE INDEX used_mandates_expiry ON used_mandates (expires_at);

CREATE TABLE sessions (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), application_id text NOT NULL, parent_id text,
    subject_authority_record_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'terminated', 'expired')),
    depth bigint NOT NULL DEFAULT 0, labels {texts} NOT NULL, max_children bigint NOT NULL DEFAULT 10,
    child_count bigint NOT NULL DEFAULT 0, started_at {time} NOT NULL, last_active_at {time} NOT NULL,
    terminated_at {time}, ttl_seconds bigint, metadata_json {json} NOT NULL, updated_at {time} NOT NULL,
    lifecycle text NOT NULL CHECK (lifecycle IN ('task', 'service')), last_heartbeat_at {time},
    heartbeat_deadline_at {time}, termination_reason text,
    lease_generation bigint NOT NULL DEFAULT 0 CHECK (lease_generation >= 0),
    UNIQUE (zone_id, id),
    FOREIGN KEY (zone_id, application_id) REFERENCES applications (zone_id, id),
    CHECK ((lifecycle = 'task' AND ttl_seconds > 0 AND last_heartbeat_at IS NULL AND heartbeat_deadline_at IS NULL)
        OR (lifecycle = 'service' AND ttl_seconds IS NULL AND last_heartbeat_at IS NOT NULL
            AND heartbeat_deadline_at IS NOT NULL)),
    CHECK ((status IN ('terminated', 'expired')) = (terminated_at IS NOT NULL)));
CREATE INDEX sessions_parent ON sessions (zone_id, parent_id, status);
CREATE INDEX sessions_record ON sessions (subject_authority_record_id);
CREATE INDEX sessions_keyset ON sessions (zone_id, started_at DESC, id DESC);
CREATE INDEX sessions_live ON sessions (zone_id, application_id) WHERE status IN ('active', 'suspended');
CREATE INDEX sessions_heartbeat ON sessions (heartbeat_deadline_at) WHERE status = 'active' AND lifecycle = 'service';
CREATE INDEX sessions_terminal ON sessions (terminated_at, id) WHERE terminated_at IS NOT NULL;
CREATE INDEX sessions_ended ON sessions (updated_at) WHERE status IN ('terminated', 'expired', 'suspended');

CREATE TABLE agent_topology (
    parent_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    child_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE, PRIMARY KEY (parent_id, child_id));

CREATE TABLE delegation_edges (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id),
    source_session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    target_session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issuer_application_id text NOT NULL, receiver_application_id text NOT NULL,
    parent_edge_id text REFERENCES delegation_edges (id) ON DELETE SET NULL, resource_id text,
    scopes {texts} NOT NULL, constraints_json {json} NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'revoked', 'expired')), expires_at {time} NOT NULL,
    edge_version bigint NOT NULL DEFAULT 0, edge_kind text NOT NULL DEFAULT 'grant' CHECK (edge_kind IN ('grant', 'mirror')),
    revoked_at {time}, created_at {time} NOT NULL, updated_at {time} NOT NULL,
    CHECK (source_session_id <> target_session_id), CHECK ((status = 'revoked') = (revoked_at IS NOT NULL)));
CREATE INDEX delegation_edges_source ON delegation_edges (source_session_id, status);
CREATE INDEX delegation_edges_target ON delegation_edges (target_session_id, status);
CREATE INDEX delegation_edges_parent ON delegation_edges (parent_edge_id) WHERE parent_edge_id IS NOT NULL;
CREATE INDEX delegation_edges_zone ON delegation_edges (zone_id, id DESC);
CREATE INDEX delegation_edges_due ON delegation_edges (expires_at) WHERE status = 'active';
CREATE INDEX delegation_edges_revoked ON delegation_edges (revoked_at) WHERE status = 'revoked';

CREATE TABLE delegation_graph_epochs (zone_id text PRIMARY KEY, epoch bigint NOT NULL, updated_at {time} NOT NULL);

CREATE TABLE coordinator_idempotency_receipts (
    id text PRIMARY KEY, operation text NOT NULL CHECK (operation IN ('session.start.v2', 'delegation.create.v2',
        'invocation.create.v2')),
    zone_id text NOT NULL, scope_id text NOT NULL, key_digest {bytes} NOT NULL CHECK (length(key_digest) = 32),
    request_digest {bytes} NOT NULL CHECK (length(request_digest) = 32), resource_type text NOT NULL,
    resource_id text NOT NULL, response_status bigint NOT NULL CHECK (response_status BETWEEN 200 AND 299),
    response_json {json} NOT NULL, created_at {time} NOT NULL, expires_at {time} NOT NULL,
    UNIQUE (operation, zone_id, scope_id, key_digest));
CREATE INDEX coordinator_idempotency_expiry ON coordinator_idempotency_receipts (expires_at);

CREATE TABLE step_up_challenges (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id), session_id text NOT NULL DEFAULT '',
    challenge_type text NOT NULL DEFAULT 'human_approval', metadata_json {json} NOT NULL, created_at {time} NOT NULL,
    expires_at {time} NOT NULL, satisfied_at {time}, rejected_at {time}, consumed_at {time},
    principal_id text NOT NULL, resource_set_hash {bytes} NOT NULL, application_id text, tier text,
    approver_class text NOT NULL CHECK (approver_class IN ('operator', 'subject', 'any')),
    privacy_mode text NOT NULL CHECK (privacy_mode IN ('identified', 'pseudonymous', 'anonymous')),
    decision_reason text, approver_subject_id text, approver_session_id text, subject_anchor text,
    consumed_authority_record_id text);
CREATE UNIQUE INDEX step_up_challenges_live_uidx
    ON step_up_challenges (zone_id, principal_id, session_id, resource_set_hash) WHERE consumed_at IS NULL;
CREATE INDEX step_up_challenges_keyset ON step_up_challenges (zone_id, created_at DESC, id DESC);

CREATE TABLE admin_tokens (
    id text PRIMARY KEY, name text NOT NULL, token_hash text NOT NULL, entropy_bytes bigint,
    scope text NOT NULL CHECK (scope IN ('global', 'zone')),
    capability text NOT NULL DEFAULT 'write' CHECK (capability IN ('read', 'write', 'approve')),
    zone_id text REFERENCES zones (id) ON DELETE CASCADE, created_by text NOT NULL, created_at {time} NOT NULL,
    last_used_at {time}, revoked_at {time}, CHECK ((zone_id IS NULL) = (scope = 'global')));
CREATE UNIQUE INDEX admin_tokens_hash_uidx ON admin_tokens (token_hash) WHERE revoked_at IS NULL;

CREATE TABLE admin_audit_events (
    id text PRIMARY KEY, request_id text NOT NULL, actor_id text, actor_name text, actor_scope text,
    action text NOT NULL, method text NOT NULL, path text NOT NULL, zone_id text, entity_type text, entity_id text,
    status_code bigint NOT NULL, payload_json {json}, occurred_at {time} NOT NULL, content_sha256 text NOT NULL,
    prev_content_sha256 text, chain_hmac text, chain_seq bigint NOT NULL, hmac_key_id text);
CREATE UNIQUE INDEX admin_audit_events_chain_uidx ON admin_audit_events (coalesce(zone_id, ''), chain_seq);
CREATE INDEX admin_audit_events_zone_seq ON admin_audit_events (zone_id, chain_seq DESC);
CREATE INDEX admin_audit_events_keyset ON admin_audit_events (zone_id, occurred_at DESC, id DESC);

CREATE TABLE audit_ingest_alerts (
    id text PRIMARY KEY, event_id text NOT NULL, zone_id text NOT NULL, kind text NOT NULL, detail text NOT NULL,
    created_at {time} NOT NULL);

CREATE TABLE audit_chain_heads (zone_id text PRIMARY KEY, chain_seq bigint NOT NULL, content_sha256 text NOT NULL);

CREATE TABLE audit_retention (
    singleton {bool} PRIMARY KEY, retention_days bigint NOT NULL CHECK (retention_days >= 1), updated_by text,
    updated_at {time});

CREATE TABLE sts_rate_limit (
    singleton {bool} PRIMARY KEY, limit_per_minute bigint NOT NULL CHECK (limit_per_minute >= 1), updated_by text,
    updated_at {time});

CREATE TABLE event_outbox (
    id text PRIMARY KEY, stream_name text NOT NULL, payload_json {json} NOT NULL, attempts bigint NOT NULL DEFAULT 0,
    available_at {time} NOT NULL, locked_until {time}, locked_by text, last_error text, dispatched_at {time},
    request_id text, created_at {time} NOT NULL);
CREATE INDEX event_outbox_due ON event_outbox (available_at, id) WHERE dispatched_at IS NULL;
CREATE INDEX event_outbox_done ON event_outbox (dispatched_at) WHERE dispatched_at IS NOT NULL;

CREATE TABLE caracal_outbox (
    id text PRIMARY KEY, producer text NOT NULL CHECK (producer IN ('coordinator', 'api')), topic text NOT NULL,
    dedupe_key text NOT NULL, payload_json {json} NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'published', 'dead')),
    attempts bigint NOT NULL DEFAULT 0, available_at {time} NOT NULL, published_at {time},
    created_at {time} NOT NULL, updated_at {time} NOT NULL, UNIQUE (producer, topic, dedupe_key));
CREATE INDEX caracal_outbox_due ON caracal_outbox (available_at, id) WHERE status = 'pending';

CREATE TABLE notification_sinks (
    id text PRIMARY KEY, zone_id text NOT NULL REFERENCES zones (id) ON DELETE CASCADE, name text NOT NULL,
    url text NOT NULL, secret_ct {bytes} NOT NULL, event_types {texts} NOT NULL, active {bool} NOT NULL DEFAULT {true},
    cursor_chain_seq bigint NOT NULL DEFAULT 0, consecutive_failures bigint NOT NULL DEFAULT 0,
    last_success_at {time}, last_failure_at {time}, last_error text, created_at {time} NOT NULL,
    updated_at {time} NOT NULL);

CREATE TABLE notification_deliveries (
    id text PRIMARY KEY, sink_id text NOT NULL REFERENCES notification_sinks (id) ON DELETE CASCADE,
    zone_id text NOT NULL, event_id text NOT NULL, event_type text NOT NULL, payload_json {json} NOT NULL,
    attempts bigint NOT NULL DEFAULT 0, available_at {time} NOT NULL, delivered_at {time}, abandoned_at {time},
    response_status bigint, last_error text, created_at {time} NOT NULL, UNIQUE (sink_id, event_id));
