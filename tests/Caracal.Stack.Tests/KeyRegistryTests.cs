using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Hosting;
using Caracal.Hosting.Settings;
using Caracal.Keys.Secrets;
using Caracal.Storage.Instances;
using Caracal.Storage.Sqlite;

namespace Caracal.Stack.Tests;

/// <summary>What every instance says of its keys, and which keys it starts with (operations.md 4.2, 4.4).</summary>
public sealed class KeyRegistryTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-registry-");
    private readonly StringWriter log = new();

    private string Secrets => Path.Combine(folder.FullName, "secrets");

    private string Data => Path.Combine(folder.FullName, "data");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [Trait("requirement", "R53")]
    [InlineData("streams-hmac", "streamsHmacKey")]
    [InlineData("auth-secret", "caracalAuthSecret")] // The console asks the API.
    public async Task Refuses_to_start_in_stable_with_a_key_that_nobody_registered(string classId, string file)
    {
        await (await StartAsync("stable")).StopAsync();
        Write(file, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));

        var refused = await Assert.ThrowsAsync<SettingsException>(() => StartAsync("stable"));

        Assert.Contains($"key_not_registered: {classId} sid_", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(File.ReadAllText(Path.Combine(Secrets, file)), refused.Message, StringComparison.Ordinal);
        Assert.Contains(log.ToString().Split('\n'), line => line.Contains("\"event\":\"key_not_registered\"", StringComparison.Ordinal) && line.Contains("\"level\":\"error\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Warns_of_an_unregistered_key_in_dev_and_starts()
    {
        await (await StartAsync("dev")).StopAsync();
        Write("streamsHmacKey", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));

        await using (await StartAsync("dev")) { }

        Assert.Contains("key_not_registered: streams-hmac", log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_role_reports_its_slots_by_secret_ids_and_says_farewell()
    {
        var stack = await StartAsync("dev");
        var metrics = File.ReadAllText(Path.Combine(Secrets, "metricsBearer"));
        foreach (var (role, url) in stack.Urls)
        {
            Assert.Equal(HttpStatusCode.NotFound, (await AskAsync(url, null)).Status);
            Assert.Equal(HttpStatusCode.NotFound, (await AskAsync(url, "wrong")).Status);
            var (status, text) = await AskAsync(url, metrics);
            Assert.Equal(HttpStatusCode.OK, status);
            var report = JsonDocument.Parse(text).RootElement;
            Assert.Equal(role, report.GetProperty("service").GetString());
            // The console signs no messages; what it holds seals sign-ins.
            var (classId, sid) = role == StackRoles.Console
                ? ("auth-secret", SecretId.Of("auth-secret", System.Text.Encoding.UTF8.GetBytes(File.ReadAllText(Path.Combine(Secrets, "caracalAuthSecret")))))
                : ("streams-hmac", SecretId.Of("streams-hmac", Convert.FromHexString(File.ReadAllText(Path.Combine(Secrets, "streamsHmacKey")))));
            var ring = report.GetProperty("classes").GetProperty(classId);
            Assert.Equal(sid, ring.GetProperty("current").GetString());
            Assert.Equal("file", ring.GetProperty("source").GetString());
            Assert.Empty(ring.GetProperty("previous").EnumerateArray());
        }

        var rows = await RowsAsync(6);
        Assert.Equal(StackRoles.All.Order(), rows.Select(row => row.Service));
        Assert.All(rows, row =>
        {
            Assert.Equal(ServiceInstance.Id, row.Instance);
            Assert.Equal(row.Service == StackRoles.Console ? null : stack.Urls[row.Service], row.Address); // nobody calls a console where it says it listens
            Assert.Null(row.StoppedAt);
            Assert.Contains(row.Service == StackRoles.Console ? "\"auth-secret\"" : "\"streams-hmac\"", row.KeySlots.Value, StringComparison.Ordinal);
        });

        await stack.StopAsync();
        Assert.All(await RowsAsync(6), row => Assert.NotNull(row.StoppedAt));
    }

    [Fact]
    public async Task A_changed_file_is_taken_and_reported_long_before_the_poll()
    {
        await using var stack = await StartAsync("dev", ("SECRETS_RELOAD_SECONDS", "3600"));
        await RowsAsync(5);
        var next = RandomNumberGenerator.GetBytes(32);
        Write("streamsHmacKey.next", Convert.ToHexStringLower(next));

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        var sid = SecretId.Of("streams-hmac", next);
        while (!(await RowsAsync(5)).Where(row => row.Service != StackRoles.Console).All(row => row.KeySlots.Value!.Contains($"\"next\":\"{sid}\"", StringComparison.Ordinal)))
        {
            await Task.Delay(50, limit.Token);
        }
    }

    private static async Task<(HttpStatusCode Status, string Text)> AskAsync(string url, string? token)
    {
        using var http = new HttpClient();
        if (token is not null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.GetAsync(new Uri(url + "/internal/keys"));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<IReadOnlyList<InstanceRow>> RowsAsync(int atLeast)
    {
        await using var database = new SqliteDatabase(CaracalStack.DatabasePath(Data), TimeProvider.System);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        while (true)
        {
            var rows = await database.ReadAsync(InstanceStore.ListAsync);
            if (rows.Count >= atLeast) return rows;
            await Task.Delay(50, limit.Token);
        }
    }

    private Task<CaracalStack> StartAsync(string mode, params ReadOnlySpan<(string Name, string Value)> more)
    {
        SecretFolder.Provision(Secrets);
        SecretFolder.Prepare(Data);
        var variables = new Dictionary<string, string?>(FreePorts.Variables(), StringComparer.Ordinal)
        {
            ["CARACAL_MODE"] = mode,
            ["CARACAL_SECRETS_DIR"] = Secrets,
            ["CARACAL_INTERNAL_PLAINTEXT"] = "true",
            ["CARACAL_ALLOW_CUSTOM_PORTS"] = "true",
            ["HOST"] = "127.0.0.1",
            ["SECRETS_RELOAD_SECONDS"] = "1",
        };
        foreach (var (name, value) in more) variables[name] = value;
        return CaracalStack.StartAsync(
            new StackOptions { Variables = variables, DataDirectory = Data, Log = TextWriter.Synchronized(log) }, default);
    }

    private void Write(string file, string value) => SecretFolder.WriteOwnerOnly(Path.Combine(Secrets, file), Encoding.UTF8.GetBytes(value));
}
