using System.Collections.Immutable;

namespace Caracal.Storage.Privileges;

/// <summary>
/// The matrix of storage.md 2, column by column: what is not written here, no service may do. The migration job makes the
/// database agree with it, tests compare every effective right with it, and <c>caracal harden</c> may do the same.
/// </summary>
/// <remarks>A migration that adds a table adds its line here; a test names the table that has none.</remarks>
public static class PrivilegeMatrix
{
    private const string NewAdminEvent =
        """
        id request_id actor_id actor_name actor_scope action method path zone_id entity_type entity_id status_code
        payload_json occurred_at content_sha256 prev_content_sha256 chain_hmac chain_seq hmac_key_id
        """;

    private const string SigningKey =
        "id zone_id entity_id name type envelope version state activates_at retired_at created_at updated_at";

    public static ImmutableArray<TablePrivileges> Tables { get; } =
    [
        // Configuration: the API owns it, the STS decides by it.
        Owned("zones", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "id archived_at"),
            View(ServiceRole.Coordinator, "id archived_at")),
        Owned("zone_versions", ServiceRole.Api, "S",
            View(ServiceRole.Sts, "zone_id version")),
        Owned("applications", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "id zone_id name registration_method credential_type client_secret_hash traits expires_at archived_at"),
            View(ServiceRole.Coordinator, "id zone_id name registration_method expires_at archived_at")),
        Owned("workloads", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "id zone_id name secret_hash bindings")),
        Owned("credential_secrets", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "id zone_id owner hash state expires_at last_used_at created_at", update: "last_used_at")),
        Owned("providers", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "id zone_id name identifier provider_kind config_json secret_config_keys connectivity_failed_at archived_at credential_version credential_observed_until")),
        Owned("provider_credential_changes", ServiceRole.Api, "SIU"),
        Owned("resources", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "id zone_id name identifier upstream_url credential_provider_id scopes operations operation_enforcement archived_at"),
            View(ServiceRole.Coordinator, "id zone_id identifier scopes archived_at")),
        Owned("policies", ServiceRole.Api, "SIUD"),
        Owned("policy_sets", ServiceRole.Api, "SIUD"),
        Owned("policy_versions", ServiceRole.Api, "SIU",
            View(ServiceRole.Sts, "id policy_id version content content_sha256 schema_version")),
        Owned("policy_set_versions", ServiceRole.Api, "SI",
            View(ServiceRole.Sts, "id policy_set_id version manifest_json manifest_sha256 schema_version")),
        Owned("policy_set_bindings", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "zone_id policy_set_id active_version_id")),
        Owned("delegated_grants", ServiceRole.Api, "SIUD"),
        Owned("subject_issuers", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "id zone_id issuer jwks_url audience archived_at")),

        // Custody: ciphertext only, and only for the two services that hold the key.
        Owned("provider_connections", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts,
                "id zone_id subject_id provider_id status access_token_ct refresh_token_ct expires_at refreshed_at refresh_token_version created_at updated_at",
                update: "status access_token_ct refresh_token_ct expires_at refreshed_at refresh_token_version updated_at")),
        Owned("secret_store", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "ref zone_id envelope version")),
        Owned("secrets", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, SigningKey, insert: SigningKey, update: "state activates_at retired_at updated_at")),

        // Authority: issued by the STS; the API ends it, the Gateway hears that it ended.
        Owned("authority_records", ServiceRole.Sts, "SIU",
            View(ServiceRole.Api,
                "id zone_id session_type subject_id parent_id status expires_at authenticated_at claims_json created_at revoked_at revoked_reason",
                update: "status revoked_at revoked_reason"),
            View(ServiceRole.Gateway, "id status expires_at"),
            View(ServiceRole.Coordinator, "id zone_id session_type subject_id status expires_at")),
        Owned("used_mandates", ServiceRole.Sts, "SID"),
        Owned("step_up_challenges", ServiceRole.Sts, "SIUD",
            View(ServiceRole.Api,
                """
                id zone_id session_id principal_id application_id tier approver_class privacy_mode subject_anchor resource_set_hash
                metadata_json decision_reason created_at expires_at satisfied_at rejected_at consumed_at approver_subject_id
                """,
                update: "satisfied_at rejected_at approver_subject_id approver_session_id decision_reason")),
        Owned("sts_rate_limit", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "singleton limit_per_minute")),

        // Sessions and delegations: the Coordinator's, read by whoever decides, ended by the kill switch.
        Owned("sessions", ServiceRole.Coordinator, "SIUD",
            View(ServiceRole.Api,
                """
                id zone_id application_id parent_id subject_authority_record_id status depth labels child_count started_at last_active_at
                terminated_at ttl_seconds updated_at lifecycle termination_reason
                """,
                update: "status terminated_at termination_reason updated_at child_count"),
            View(ServiceRole.Sts,
                "id zone_id application_id parent_id subject_authority_record_id status depth labels lifecycle started_at ttl_seconds heartbeat_deadline_at"),
            View(ServiceRole.Gateway, "id status updated_at")),
        Owned("delegation_edges", ServiceRole.Coordinator, "SIUD",
            View(ServiceRole.Api,
                "id zone_id source_session_id target_session_id parent_edge_id status edge_version revoked_at updated_at",
                update: "status revoked_at updated_at edge_version"),
            View(ServiceRole.Sts,
                """
                id zone_id source_session_id target_session_id issuer_application_id receiver_application_id parent_edge_id resource_id
                scopes constraints_json status expires_at revoked_at edge_version edge_kind budget_calls
                """),
            View(ServiceRole.Gateway, "id status revoked_at")),
        Owned("delegation_graph_epochs", ServiceRole.Coordinator, "SIU",
            View(ServiceRole.Api, "zone_id epoch updated_at", insert: "zone_id epoch updated_at", update: "epoch updated_at"),
            View(ServiceRole.Sts, "zone_id epoch")),
        Owned("delegation_budgets", ServiceRole.Coordinator, "SI",
            View(ServiceRole.Gateway, "edge_id zone_id granted spent", update: "spent")),
        Owned("agent_topology", ServiceRole.Coordinator, "SIUD"),
        Owned("open_sessions", ServiceRole.Coordinator, "S"),
        Owned("agent_services", ServiceRole.Coordinator, "SIUD"),
        Owned("agent_invocations", ServiceRole.Coordinator, "SIUD"),
        Owned("coordinator_idempotency_receipts", ServiceRole.Coordinator, "SID"),

        // Evidence: appended, never changed.
        Owned("admin_audit_events", ServiceRole.Api, "SI",
            View(ServiceRole.Coordinator, "zone_id chain_seq content_sha256", insert: NewAdminEvent),
            View(ServiceRole.Audit, NewAdminEvent)),
        Owned("audit_events", ServiceRole.Audit, "SI",
            View(ServiceRole.Api,
                """
                id zone_id event_type request_id decision policy_set_id policy_set_version_id manifest_sha evaluation_status
                determining_policies_json diagnostics_json metadata_json occurred_at ingested_at chain_seq agent_session_id session_id
                """)),
        Owned("policy_inputs", ServiceRole.Audit, "SID",
            View(ServiceRole.Api, "zone_id chain_seq input")),
        Owned("audit_ingest_alerts", ServiceRole.Audit, "SI"),
        Owned("audit_alert_closures", ServiceRole.Audit, "SI"),
        Owned("audit_chain_heads", ServiceRole.Audit, "SIU"),
        Owned("audit_checkpoints", ServiceRole.Audit, "SI"),
        Owned("audit_tree_nodes", ServiceRole.Audit, "SI"),
        Owned("audit_checkpoint_proofs", ServiceRole.Audit, "SI"),
        Owned("audit_sweep_progress", ServiceRole.Audit, "SIUD"),
        Owned("audit_export_watermark", ServiceRole.Audit, "SIU"),
        Owned("audit_partition_drops", ServiceRole.Audit, "SI"),
        Owned("audit_partition_drop_macs", ServiceRole.Audit, "SI"),
        Owned("audit_legal_holds", ServiceRole.Audit, "SIU"),
        Owned("audit_feed_cursors", ServiceRole.Audit, "SIU"),
        Owned("audit_retention", ServiceRole.Api, "SIUD",
            View(ServiceRole.Audit, "singleton retention_days")),

        // Rotation: the API owns it; Audit seals the epochs of its keys.
        Owned("key_registry", ServiceRole.Api, "SIUD",
            View(ServiceRole.Audit, "class scope sid state")),
        Owned("service_instances", ServiceRole.Api, "SD"),
        Owned("rotation_lock", ServiceRole.Api, "SU"),
        Owned("key_rotations", ServiceRole.Api, "SIU",
            View(ServiceRole.Audit, "id class state from_sid to_sid rolled_at")),
        Owned("rotation_schedule", ServiceRole.Api, "SIUD"),
        Owned("key_rotation_progress", ServiceRole.Api, "SIU"),
        Owned("key_rotation_failures", ServiceRole.Api, "SID"),
        Owned("key_exposure_tasks", ServiceRole.Api, "SIU"),
        Owned("key_rotation_events", ServiceRole.Api, "SI"),
        Owned("ops_drills", ServiceRole.Api, "SI"),
        Owned("audit_epochs", ServiceRole.Audit, "SI",
            View(ServiceRole.Api, "id chain last_seq key_id sealed_at rotation_id")),
        Owned("audit_epoch_macs", ServiceRole.Audit, "SI"),
        Owned("audit_epoch_marks", ServiceRole.Audit, "S"),
        Owned("audit_epoch_starts", ServiceRole.Audit, "SIU"),
        Owned("audit_removed_rows", ServiceRole.Audit, "SI"),
        Owned("audit_rotation_seals", ServiceRole.Audit, "SI",
            View(ServiceRole.Api, "rotation_id chains problems sealed_at")),

        // What the API alone works with.
        Owned("admin_tokens", ServiceRole.Api, "SIUD"),
        Owned("notification_sinks", ServiceRole.Api, "SIUD"),
        Owned("notification_deliveries", ServiceRole.Api, "SIUD"),

        // Outboxes.
        Owned("event_outbox", ServiceRole.Api, "SIUD",
            View(ServiceRole.Sts, "", insert: "id stream_name payload_json attempts available_at request_id created_at")),
        Owned("caracal_outbox", ServiceRole.Coordinator, "SIUD"),
    ];

    public static ImmutableArray<FunctionPrivileges> Functions { get; } =
    [
        new("audit_partition_ensure(date)", [ServiceRole.Audit]),
        new("audit_partition_drop(text)", [ServiceRole.Audit]),
        new("audit_partition_close(text)", [ServiceRole.Audit]),
        new("ops_heartbeat(text, text, text, text, text, timestamptz, timestamptz, text)", [.. ServiceRole.All]),
        new("ops_key_state(text, text, text, timestamptz)", [.. ServiceRole.All]),
    ];

    private static TablePrivileges Owned(string table, ServiceRole owner, string rights, params ImmutableArray<ViewPrivileges> views) =>
        new(table, owner, rights, views);

    private static ViewPrivileges View(ServiceRole reader, string select, string insert = "", string update = "") =>
        new(reader, Words(select), Words(insert), Words(update));

    private static ImmutableArray<string> Words(string text) =>
        [.. text.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)];
}
