-- Signed checkpoints of each zone's tree, the subtrees that proofs are made from, and what witnesses say of them.
CREATE TABLE audit_checkpoints (
    zone_id text NOT NULL, tree_size bigint NOT NULL CHECK (tree_size > 0), root_hash text NOT NULL, note text NOT NULL,
    frontier text NOT NULL, created_at {time} NOT NULL, PRIMARY KEY (zone_id, tree_size));
CREATE TABLE audit_tree_nodes (
    zone_id text NOT NULL, level bigint NOT NULL, position bigint NOT NULL, hash text NOT NULL,
    PRIMARY KEY (zone_id, level, position));
CREATE TABLE audit_checkpoint_proofs (
    zone_id text NOT NULL, tree_size bigint NOT NULL, kind text NOT NULL CHECK (kind IN ('cosignature', 'rfc3161')),
    source text NOT NULL, body text NOT NULL, created_at {time} NOT NULL, PRIMARY KEY (zone_id, tree_size, kind, source));

-- Where a full sweep is, so that one that was stopped goes on.
CREATE TABLE audit_sweep_progress (
    zone_id text PRIMARY KEY, chain_seq bigint NOT NULL, content_sha256 text NOT NULL, frontier text NOT NULL,
    sweep_id text NOT NULL, updated_at {time} NOT NULL);

-- The last hour that left for the export, by name of the export.
CREATE TABLE audit_export_watermark (name text PRIMARY KEY, last_exported_hour {time} NOT NULL);

-- What retention removed, told before it is removed, and what it must not remove.
CREATE TABLE audit_partition_drops (
    partition_name text NOT NULL, zone_id text NOT NULL, min_seq bigint NOT NULL, max_seq bigint NOT NULL,
    row_count bigint NOT NULL, dropped_at {time} NOT NULL, PRIMARY KEY (partition_name, zone_id));
CREATE TABLE audit_legal_holds (
    id text PRIMARY KEY, held_zone_id text, held_from {time} NOT NULL, held_until {time} NOT NULL, reason text NOT NULL,
    placed_by text NOT NULL, placed_at {time} NOT NULL, released_at {time});

-- How far each outgoing feed has told every zone.
CREATE TABLE audit_feed_cursors (
    feed text NOT NULL, zone_id text NOT NULL, chain_seq bigint NOT NULL, updated_at {time} NOT NULL, PRIMARY KEY (feed, zone_id));
