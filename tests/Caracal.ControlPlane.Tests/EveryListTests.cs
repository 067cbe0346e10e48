using System.Globalization;
using Caracal.ControlPlane.OpenApi;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

/// <summary>
/// Every list of the API, walked while rows come and go between its pages: what was there throughout is shown exactly once
/// (api.md 1.2). <see cref="PaginationTests"/> does the same with a writer beside the reader, on both engines.
/// </summary>
public sealed class EveryListTests
{
    private const long Moment = 1_767_225_600_000_000;
    private const int Stays = 24;

    private static readonly Dictionary<string, ListedTable> Lists = new(StringComparer.Ordinal)
    {
        ["/v1/zones"] = new("zones"),
        ["/v1/zones/{zoneId}/applications"] = new("applications", ("registration_method", "'managed'")),
        ["/v1/zones/{zoneId}/workloads"] = new("workloads"),
        ["/v1/zones/{zoneId}/providers"] = new("providers", ("provider_kind", "'none'")),
        ["/v1/zones/{zoneId}/provider-connections"] = new("provider_connections", ("provider_id", "'provider'"), ("status", "'active'")),
        ["/v1/zones/{zoneId}/resources"] = new("resources", ("credential_provider_id", "'provider'")),
        ["/v1/zones/{zoneId}/policies"] = new("policies"),
        ["/v1/zones/{zoneId}/policy-sets"] = new("policy_sets"),
        ["/v1/zones/{zoneId}/policy-sets/{id}/versions"] = new("policy_set_versions", ("policy_set_id", "'set'")) { Parent = "set", OnlyGrows = true },
        ["/v1/zones/{zoneId}/grants"] = new("delegated_grants", ("application_id", "'app'"), ("resource_id", "'resource'"), ("status", "'active'")),
        ["/v1/zones/{zoneId}/subject-issuers"] = new("subject_issuers"),
        ["/v1/zones/{zoneId}/subjects"] = new("authority_records", ("session_type", "'user'"), ("status", "'active'")) { RowId = "subject_id", Twin = "subject_id" },
        ["/v1/zones/{zoneId}/authority-records"] = new("authority_records", ("session_type", "'user'"), ("status", "'active'")) { RowId = "authority_record_id" },
        ["/v1/zones/{zoneId}/sessions"] = new("sessions", ("application_id", "'app'"), ("status", "'active'"), ("lifecycle", "'task'"), ("ttl_seconds", "60")) { RowId = "session_id", Time = "started_at" },
        ["/v1/zones/{zoneId}/approvals"] = new(
            "step_up_challenges", ("approver_class", "'operator'"), ("privacy_mode", "'identified'")),
        ["/v1/zones/{zoneId}/notification-sinks"] = new("notification_sinks"),
        ["/v1/zones/{zoneId}/notification-sinks/{id}/deliveries"] = new("notification_deliveries", ("sink_id", "'sink'")) { Parent = "sink" },
        ["/v1/zones/{zoneId}/audit"] = new("audit_events") { Time = "occurred_at" },
        ["/v1/zones/{zoneId}/admin-audit"] = new("admin_audit_events", ("zone_id", "{zone}")) { Time = "occurred_at" },
        ["/v1/admin-audit"] = new("admin_audit_events") { Time = "occurred_at" },
        ["/v1/admin-tokens"] = new("admin_tokens", ("scope", "'global'")),
        ["/v1/operations/rotations"] = new("key_rotations", ("state", "'retired'"), ("emergency", "false")),
    };

    [Fact]
    public void Leaves_no_list_out() => Assert.Equal(
        DocumentedOperations.Load().All.Where(operation => operation.Query.Any(query => query.Name == "cursor")).Select(operation => operation.Path).Order(),
        Lists.Keys.Order());

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Shows_every_row_that_was_there_throughout_exactly_once_in_every_list(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(engine: engine);
        var zone = await api.ZoneAsync();
        var rows = new RowMaker(api, zone);
        foreach (var (table, id, more) in Parents()) await rows.InsertAsync(new ListedTable(table, more), id, Moment);
        foreach (var (path, table) in Lists)
        {
            await WalkWhileRowsMoveAsync(api, rows, path.Replace("{zoneId}", zone, StringComparison.Ordinal).Replace("{id}", table.Parent, StringComparison.Ordinal), table);
        }
    }

    private static (string Table, string Id, (string, string)[] More)[] Parents() =>
    [
        ("providers", "provider", [("provider_kind", "'none'")]), ("applications", "app", [("registration_method", "'managed'")]),
        ("resources", "resource", [("credential_provider_id", "'provider'")]), ("policy_sets", "set", []), ("notification_sinks", "sink", []),
    ];

    // Rows share microseconds by fives, so that pages end between rows that only the id tells apart.
    private static async Task WalkWhileRowsMoveAsync(ApiHost api, RowMaker rows, string path, ListedTable table)
    {
        var random = new Random(7);
        var tag = Guid.NewGuid().ToString("n")[..8];
        var stays = new List<string>();
        var passing = new Queue<string>();
        for (var i = 0; i < Stays * 3 / 2; i++)
        {
            var id = $"{tag}-{random.Next():x8}-{i}";
            await rows.InsertAsync(table, id, Moment + (i / 5));
            if (i % 3 == 2) passing.Enqueue(id);
            else stays.Add(id);
        }

        var seen = new List<string>();
        for (string? cursor = "", next = null; cursor is not null; cursor = next is null ? null : $"&cursor={next}")
        {
            var reply = await api.GetAsync($"{path}?limit=5{cursor}");
            Assert.True(reply.Status == 200, $"{path}: {reply.Text}");
            seen.AddRange(reply.Json.GetProperty("items").EnumerateArray().Select(row => row.GetProperty(table.RowId).GetString()!));
            next = reply.Json.GetProperty("next_cursor").GetString();

            // One row goes, one comes somewhere: before the reader, behind it, or at the microsecond where it stands.
            if (!table.OnlyGrows && passing.TryDequeue(out var gone)) await rows.DeleteAsync(table, gone);
            await rows.InsertAsync(table, $"{tag}-{random.Next():x8}-new", Moment + random.Next(-1, (Stays * 3 / 10) + 2));
        }

        Assert.True(seen.Count == seen.Distinct().Count(), $"{path} repeats a row");
        Assert.True(stays.All(seen.Contains), $"{path} drops a row");
    }

    private sealed record ListedTable(string Name, params (string Column, string Value)[] Fixed)
    {
        /// <summary>The member of an item that names the row.</summary>
        public string RowId { get; init; } = "id";

        public string Time { get; init; } = "created_at";

        /// <summary>The id in the path.</summary>
        public string Parent { get; init; } = "";

        /// <summary>A column that holds the id too.</summary>
        public string? Twin { get; init; }

        /// <summary>Rows are never deleted.</summary>
        public bool OnlyGrows { get; init; }
    }

    /// <summary>Makes rows of any table: what a column must hold and the test does not care about follows from its type.</summary>
    private sealed class RowMaker(ApiHost api, string zone)
    {
        private const string SqliteColumns = "SELECT name, type, \"notnull\", dflt_value FROM pragma_table_info('{0}')";
        private const string PostgresColumns =
            """
            SELECT column_name AS name, data_type AS type, CASE is_nullable WHEN 'NO' THEN '1' ELSE '0' END AS "notnull", column_default AS dflt_value
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{0}' AND is_generated = 'NEVER'
            """;

        private readonly Dictionary<string, List<Dictionary<string, string?>>> _columns = new(StringComparer.Ordinal);
        private readonly bool _sqlite = api.Database.Dialect.Name == "sqlite";
        private int _count = 1_000;

        public async Task InsertAsync(ListedTable table, string id, long time)
        {
            if (!_columns.TryGetValue(table.Name, out var columns)) _columns[table.Name] = columns = await api.RowsAsync(string.Format(CultureInfo.InvariantCulture, _sqlite ? SqliteColumns : PostgresColumns, table.Name));
            var values = new Dictionary<string, string>(StringComparer.Ordinal) { ["id"] = $"'{id}'" };
            foreach (var column in columns.Where(column => column["notnull"] == "1" && column["dflt_value"] is null && column["name"] != "id"))
            {
                values[column["name"]!] = ValueOf(column["name"]!, column["type"]!, id, time);
            }

            foreach (var (column, value) in table.Fixed) values[column] = value.Replace("{zone}", $"'{zone}'", StringComparison.Ordinal);
            if (table.Twin is not null) values[table.Twin] = $"'{id}'";
            await api.ExecuteAsync($"INSERT INTO {table.Name} ({string.Join(", ", values.Keys)}) VALUES ({string.Join(", ", values.Values)})");
        }

        public Task DeleteAsync(ListedTable table, string id) => api.ExecuteAsync($"DELETE FROM {table.Name} WHERE id = '{id}'");

        private string ValueOf(string name, string type, string id, long time) => name switch
        {
            "zone_id" => $"'{zone}'",
            _ when type == "ARRAY" => "'{}'",
            "scopes" or "traits" or "labels" or "event_types" or "secret_config_keys" or "bindings" or "operations" => "'[]'",
            _ when name.EndsWith("_at", StringComparison.Ordinal) => Time(name == "expires_at" ? time + 10_000_000_000_000 : time),
            _ when name.EndsWith("_json", StringComparison.Ordinal) => "'{}'",
            _ when type.Contains("INT", StringComparison.OrdinalIgnoreCase) => (_count++).ToString(CultureInfo.InvariantCulture),
            _ when type.Contains("BLOB", StringComparison.OrdinalIgnoreCase) => "x'00'",
            _ when type == "bytea" => "'\\x00'",
            _ when type == "boolean" => "false",
            _ => $"'{name}-{id}'",
        };

        private string Time(long microseconds) => _sqlite
            ? microseconds.ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"'epoch'::timestamptz + {microseconds} * interval '1 microsecond'");
    }
}
