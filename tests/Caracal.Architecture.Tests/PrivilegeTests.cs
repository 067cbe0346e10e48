using Caracal.Storage.Privileges;

namespace Caracal.Architecture.Tests;

public class PrivilegeTests
{
    private static readonly string[] Services = ["api", "sts", "gateway", "coordinator", "audit"];

    // The privilege matrix of storage.md 2, one row a table: what api, sts, gateway, coordinator and audit may do.
    private static readonly Dictionary<string, string[]> Matrix = new(StringComparer.Ordinal)
    {
        ["zones"] = ["SIUD", "S", "", "S", ""],
        ["applications"] = ["SIUD", "S", "", "S", ""],
        ["workloads"] = ["SIUD", "S", "", "", ""],
        ["credential_secrets"] = ["SIUD", "SU", "", "", ""],
        ["providers"] = ["SIUD", "S", "", "", ""],
        ["provider_credential_changes"] = ["SIU", "", "", "", ""],
        ["resources"] = ["SIUD", "S", "", "S", ""],
        ["policies"] = ["SIUD", "", "", "", ""],
        ["policy_sets"] = ["SIUD", "", "", "", ""],
        ["policy_set_bindings"] = ["SIUD", "S", "", "", ""],
        ["policy_versions"] = ["SIU", "S", "", "", ""],
        ["policy_set_versions"] = ["SI", "S", "", "", ""],
        ["delegated_grants"] = ["SIUD", "", "", "", ""],
        ["subject_issuers"] = ["SIUD", "S", "", "", ""],
        ["provider_connections"] = ["SIUD", "SU", "", "", ""],
        ["secret_store"] = ["SIUD", "S", "", "", ""],
        ["secrets"] = ["SIUD", "SIU", "", "", ""],
        ["authority_records"] = ["SU", "SIU", "S", "S", ""],
        ["sessions"] = ["SU", "S", "S", "SIUD", ""],
        ["delegation_edges"] = ["SU", "S", "S", "SIUD", ""],
        ["delegation_graph_epochs"] = ["SIU", "S", "", "SIU", ""],
        ["agent_services"] = ["", "", "", "SIUD", ""],
        ["agent_invocations"] = ["", "", "", "SIUD", ""],
        ["delegation_budgets"] = ["", "", "SU", "SI", ""],
        ["agent_topology"] = ["", "", "", "SIUD", ""],
        ["open_sessions"] = ["", "", "", "S", ""],
        ["coordinator_idempotency_receipts"] = ["", "", "", "SID", ""],
        ["step_up_challenges"] = ["SU", "SIUD", "", "", ""],
        ["admin_tokens"] = ["SIUD", "", "", "", ""],
        ["admin_audit_events"] = ["SI", "", "", "SI", "S"],
        ["audit_events"] = ["S", "", "", "", "SI"],
        ["audit_ingest_alerts"] = ["", "", "", "", "SI"],
        ["audit_alert_closures"] = ["", "", "", "", "SI"],
        ["audit_chain_heads"] = ["", "", "", "", "SIU"],
        ["audit_retention"] = ["SIUD", "", "", "", "S"],
        ["sts_rate_limit"] = ["SIUD", "S", "", "", ""],
        ["event_outbox"] = ["SIUD", "I", "", "", ""],
        ["caracal_outbox"] = ["", "", "", "SIUD", ""],
        ["notification_sinks"] = ["SIUD", "", "", "", ""],
        ["notification_deliveries"] = ["SIUD", "", "", "", ""],
        ["key_registry"] = ["SIUD", "", "", "", "S"],
        ["service_instances"] = ["SD", "", "", "", ""],
        ["rotation_lock"] = ["SU", "", "", "", ""],
        ["key_rotations"] = ["SIU", "", "", "", "S"],
        ["rotation_schedule"] = ["SIUD", "", "", "", ""],
        ["key_rotation_progress"] = ["SIU", "", "", "", ""],
        ["key_rotation_failures"] = ["SID", "", "", "", ""],
        ["key_exposure_tasks"] = ["SIU", "", "", "", ""],
        ["key_rotation_events"] = ["SI", "", "", "", ""],
        ["ops_drills"] = ["SI", "", "", "", ""],
        ["audit_epochs"] = ["S", "", "", "", "SI"],
        ["audit_epoch_macs"] = ["", "", "", "", "SI"],
        ["audit_epoch_marks"] = ["", "", "", "", "S"],
        ["audit_rotation_seals"] = ["S", "", "", "", "SI"],

        // Ours, docs/decisions 0002 and 0003: the version that tells a cache it is stale, and mandates that were spent.
        ["zone_versions"] = ["S", "S", "", "", ""],
        ["used_mandates"] = ["", "SID", "", "", ""],

        // Ours, docs/decisions 0010: the ledger's signed trees, and how far its jobs are.
        ["audit_checkpoints"] = ["", "", "", "", "SI"],
        ["audit_tree_nodes"] = ["", "", "", "", "SI"],
        ["audit_checkpoint_proofs"] = ["", "", "", "", "SI"],
        ["audit_sweep_progress"] = ["", "", "", "", "SIUD"],
        ["audit_export_watermark"] = ["", "", "", "", "SIU"],
        ["audit_partition_drops"] = ["", "", "", "", "SI"],
        ["audit_partition_drop_macs"] = ["", "", "", "", "SI"],
        ["audit_legal_holds"] = ["", "", "", "", "SIU"],
        ["audit_feed_cursors"] = ["", "", "", "", "SIU"],

        // Ours: what retention leaves of rows that a seal covers.
        ["audit_epoch_starts"] = ["", "", "", "", "SIU"],
        ["audit_removed_rows"] = ["", "", "", "", "SI"],

        // Ours: what replays need, kept beside the ledger for a time of its own.
        ["policy_inputs"] = ["S", "", "", "", "SID"],
    };

    public static TheoryData<string, string> Projects => new()
    {
        { "Caracal.ControlPlane", "api" },
        { "Caracal.Sts", "sts" },
        { "Caracal.Gateway", "gateway" },
        { "Caracal.Coordinator", "coordinator" },
        { "Caracal.Audit", "audit" },
    };

    [Theory]
    [Trait("requirement", "R41")]
    [MemberData(nameof(Projects))]
    public void Refuses_a_service_that_uses_a_store_beyond_its_row_of_the_privilege_matrix(string project, string service)
    {
        var rights = SqlReader.Rights(Repository.Assembly("Caracal.Storage"));
        var column = Array.IndexOf(Services, service);

        var beyond =
            from store in AssemblyReader.ReferencedTypes(Repository.Assembly(project))
            where rights.ContainsKey(store)
            from right in rights[store]
            where Repository.Tables.Contains(right.Table)
            where !(Matrix.TryGetValue(right.Table, out var row) && row[column].Contains(right.Verb))
            select $"{store}: {right.Verb} on {right.Table}";

        Assert.Equal("", string.Join("\n", beyond));
    }

    [Fact]
    public void Declares_for_the_database_what_the_privilege_matrix_says_and_no_more()
    {
        var differences =
            from table in PrivilegeMatrix.Tables
            from service in ServiceRole.All
            let declared = service == table.Owner ? table.Rights : string.Concat(table.Views.Where(view => view.Reader == service).Select(view => view.Rights))
            let allowed = Matrix.TryGetValue(table.Table, out var row) ? row[Array.IndexOf(Services, service.Name)] : "(no line)"
            where declared != allowed
            select $"{table.Table} for {service}: declared {declared}, allowed {allowed}";

        Assert.Equal("", string.Join("\n", differences));

        // A partition is reached through its table; nobody has a right on it.
        Assert.Equal(Repository.Tables.Where(name => name != "audit_events_default").Order(), PrivilegeMatrix.Tables.Select(table => table.Table).Order());
    }

    [Fact]
    public void Refuses_a_service_that_writes_its_own_sql()
    {
        foreach (var project in Projects.Select(row => row.Data.Item1))
        {
            var own = SqlReader.Rights(Repository.Assembly(project)).SelectMany(type => type.Value).Where(right => Matrix.ContainsKey(right.Table));
            Assert.Equal("", string.Join(", ", own));
        }
    }

    [Fact]
    public void Finds_the_statements_it_has_to_judge()
    {
        var rights = SqlReader.Rights(Repository.Assembly("Caracal.Storage"));

        Assert.Contains("audit_events", Repository.Tables);
        Assert.Contains(new TableRight('I', "audit_events"), rights["Caracal.Storage.Ledger.LedgerStore"]);
        Assert.DoesNotContain(rights["Caracal.Storage.Ledger.LedgerStore"], right => right is { Table: "audit_events", Verb: 'U' or 'D' });
        Assert.Equal(
            [new('I', "a_table"), new('S', "b_table"), new('D', "c_table"), new('U', "d_table")],
            SqlReader.Parse("INSERT INTO a_table SELECT 1 FROM b_table; DELETE FROM c_table; UPDATE d_table SET x = 1 ON CONFLICT DO UPDATE SET y"));
    }
}
