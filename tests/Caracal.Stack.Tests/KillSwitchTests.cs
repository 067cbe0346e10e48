using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Caracal.Keys.Secrets;
using Microsoft.Data.Sqlite;

namespace Caracal.Stack.Tests;

public sealed class KillSwitchTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-kill-");

    private string Data => Path.Combine(folder.FullName, "data");

    private string Secrets => Path.Combine(folder.FullName, "secrets");

    public void Dispose() => folder.Delete(recursive: true);

    // api.md 11.4: one call ends it all, and every stream has heard of it soon after.
    [Fact]
    [Trait("requirement", "R108")]
    public async Task A_subject_with_a_thousand_sessions_ends_in_one_call_and_every_reader_hears_of_it()
    {
        SecretFolder.Provision(Secrets);
        SecretFolder.Prepare(Data);
        var options = new StackOptions
        {
            Variables = new Dictionary<string, string?>(FreePorts.Variables(), StringComparer.Ordinal)
            {
                ["CARACAL_MODE"] = "dev",
                ["CARACAL_SECRETS_DIR"] = Secrets,
            },
            DataDirectory = Data,
            Log = TextWriter.Null,
        };
        await using var stack = await CaracalStack.StartAsync(options, default);
        using var http = new HttpClient { BaseAddress = new Uri(stack.Urls["api"]) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await File.ReadAllTextAsync(Path.Combine(Secrets, "caracalAdminToken")));
        var zone = await CreateAsync(http, "/v1/zones", new { name = "Pied Piper" });
        var application = await CreateAsync(http, $"/v1/zones/{zone}/applications", new { name = "app", registration_method = "managed" });
        await SeedAsync(zone, application);

        var started = Stopwatch.GetTimestamp();
        var killed = await http.PostAsJsonAsync($"/v1/zones/{zone}/kill-switch", new { subject_id = "user-1" });
        var answered = Stopwatch.GetElapsedTime(started);
        var report = await killed.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((1, 1000, 5000), (report.GetProperty("authority_records").GetInt32(), report.GetProperty("sessions").GetInt32(), report.GetProperty("delegations").GetInt32()));
        while (await CountAsync("SELECT count(*) FROM event_outbox WHERE dispatched_at IS NULL") > 0)
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(30), "messages are still waiting");
            await Task.Delay(20);
        }

        var announced = Stopwatch.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper?.WriteLine($"answered after {answered.TotalMilliseconds:F0} ms, announced after {announced.TotalMilliseconds:F0} ms");
        Assert.Equal(0, await CountAsync("SELECT count(*) FROM sessions WHERE status IN ('active', 'suspended')"));
    }

    private static async Task<string> CreateAsync(HttpClient http, string path, object body)
    {
        var created = await http.PostAsJsonAsync(path, body);
        return (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={CaracalStack.DatabasePath(Data)};Pooling=False;Default Timeout=30");
        connection.Open();
        return connection;
    }

    private async Task<long> CountAsync(string sql)
    {
        await using var connection = Open();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)(await command.ExecuteScalarAsync())!;
    }

    // As the STS and the Coordinator leave it; making six thousand rows by calls would take longer than the test.
    private async Task SeedAsync(string zone, string application)
    {
        await using var connection = Open();
        await using var command = connection.CreateCommand();
        command.CommandText =
            $$"""
            BEGIN IMMEDIATE;
            INSERT INTO authority_records (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, created_at)
                VALUES ('rec', '{{zone}}', 'user', 'user-1', 'active', 9000000000000000, 1, 1);
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
            INSERT INTO sessions (id, zone_id, application_id, parent_id, subject_authority_record_id, status, depth, labels, child_count,
                                  started_at, last_active_at, ttl_seconds, metadata_json, updated_at, lifecycle)
                SELECT 'ses-' || i, '{{zone}}', '{{application}}', NULL, 'rec', 'active', 0, '[]', 0, 9000000000000000, 9000000000000000, 86400, '{}', 1, 'task' FROM n;
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
            INSERT INTO delegation_edges (id, zone_id, source_session_id, target_session_id, issuer_application_id, receiver_application_id,
                                          scopes, constraints_json, status, expires_at, created_at, updated_at)
                SELECT 'edge-' || i, '{{zone}}', 'ses-' || (i % 1000), 'ses-' || ((i + 1) % 1000), '{{application}}', '{{application}}',
                       '[]', '{}', 'active', 9000000000000000, 1, 1 FROM n;
            COMMIT
            """;
        await command.ExecuteNonQueryAsync();
    }
}
