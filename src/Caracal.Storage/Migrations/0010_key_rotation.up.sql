-- Rotation of keys (operations.md 4): what is known of every key, who holds which, how far each rotation is, and its proof.
CREATE TABLE key_registry (
    class text NOT NULL, scope text NOT NULL, sid text NOT NULL, key_id text,
    state text NOT NULL CHECK (state IN ('active', 'next', 'previous', 'retired', 'compromised')),
    first_seen_at {time} NOT NULL, activated_at {time}, retired_at {time}, rotation_id text, PRIMARY KEY (class, scope, sid));

CREATE TABLE service_instances (
    service text NOT NULL, instance text NOT NULL, version text NOT NULL, mode text NOT NULL, address text,
    started_at {time} NOT NULL, last_seen {time} NOT NULL, stopped_at {time}, key_slots {json} NOT NULL, PRIMARY KEY (service, instance));

CREATE TABLE rotation_lock (id bigint PRIMARY KEY CHECK (id = 1), class text, open_count bigint NOT NULL);
INSERT INTO rotation_lock (id, class, open_count) VALUES (1, NULL, 0);

CREATE TABLE key_rotations (
    id text PRIMARY KEY, class text NOT NULL, scope text NOT NULL,
    state text NOT NULL CHECK (state IN ('prepared', 'deployed', 'rolled', 'verified', 'retired', 'rolled_back', 'aborted')),
    from_sid text, to_sid text NOT NULL, location text NOT NULL, version_label text NOT NULL, reason_kind text NOT NULL, reason text NOT NULL,
    actor text NOT NULL, actor_token_id text, overlap_seconds bigint NOT NULL, rollback_window_seconds bigint NOT NULL,
    emergency {bool} NOT NULL, created_at {time} NOT NULL, updated_at {time} NOT NULL, rolled_at {time}, verified_at {time}, ended_at {time});
CREATE UNIQUE INDEX key_rotations_open ON key_rotations (class, scope) WHERE state IN ('prepared', 'deployed', 'rolled', 'verified');
CREATE INDEX key_rotations_time ON key_rotations (created_at DESC, id DESC);

CREATE TABLE key_rotation_progress (
    rotation_id text NOT NULL, family text NOT NULL, last_key text NOT NULL, examined bigint NOT NULL, resealed bigint NOT NULL,
    raced bigint NOT NULL, failed bigint NOT NULL, passes bigint NOT NULL, zero_at {time}, updated_at {time} NOT NULL,
    PRIMARY KEY (rotation_id, family));
CREATE TABLE key_rotation_failures (
    rotation_id text NOT NULL, family text NOT NULL, row_key text NOT NULL, noted_at {time} NOT NULL, PRIMARY KEY (rotation_id, family, row_key));
CREATE TABLE key_rotation_events (
    rotation_id text NOT NULL, seq bigint NOT NULL, event text NOT NULL, line text NOT NULL, hash text NOT NULL, at {time} NOT NULL,
    PRIMARY KEY (rotation_id, seq));

-- What seals the rows of a key that signs no more, so that their proof does not end with the key (operations.md 3.6).
CREATE TABLE audit_epochs (
    id text PRIMARY KEY, chain text NOT NULL, first_seq bigint NOT NULL, last_seq bigint NOT NULL, key_id text NOT NULL,
    digest text NOT NULL, sealed_at {time} NOT NULL, rotation_id text NOT NULL, UNIQUE (chain, last_seq), UNIQUE (rotation_id, chain));
CREATE TABLE audit_epoch_macs (
    epoch_id text NOT NULL, mac_key_id text NOT NULL, mac text NOT NULL, at {time} NOT NULL, PRIMARY KEY (epoch_id, mac_key_id));
