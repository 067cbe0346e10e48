using System.Security.Cryptography;
using System.Text;
using Caracal.Cli.Processes;
using Caracal.Hosting.Settings;
using Caracal.Keys.Secrets;
using Caracal.Stack;
using Caracal.Storage.Rotations;
using Caracal.Storage.Sqlite;
using Dapper;

namespace Caracal.Cli.Tests.KeyRotation;

/// <summary><c>caracal keys adopt</c>: after a restore no service starts with the folder's keys, until a person says that they are right (operations.md 4.4).</summary>
public sealed class AdoptTests : IDisposable
{
    private const string Streams = "streams-hmac";

    private readonly PrivateStack files = new(folder: null, new Dictionary<string, string?>
    {
        ["CARACAL_MODE"] = "stable",
        ["CARACAL_INTERNAL_PLAINTEXT"] = "true",
        ["CARACAL_ALLOW_CUSTOM_PORTS"] = "true",
        ["CARACAL_ALLOW_INSECURE_CONFIG_URLS"] = "true",
        ["HOST"] = "127.0.0.1",
    });

    private readonly Running running;

    public AdoptTests() => running = new Running(("CARACAL_MODE", "dev"), ("CARACAL_SECRETS_DIR", files.Secrets));

    public void Dispose()
    {
        running.Dispose();
        files.Dispose();
    }

    [Fact]
    public async Task Adopts_what_the_folder_holds_once_with_a_record_of_who_and_why_and_the_stack_starts_again()
    {
        await StartAndStopAsync();
        var sid = Replace();
        var refused = await Assert.ThrowsAsync<SettingsException>(StartAndStopAsync);
        Assert.Contains($"key_not_registered: {Streams} {sid}", refused.Message, StringComparison.Ordinal);

        var (exit, output, error) = await AdoptAsync();
        Assert.True(exit == 0, output + error);
        Assert.Contains(sid, output + error, StringComparison.Ordinal);
        Assert.DoesNotContain(await File.ReadAllTextAsync(Path.Combine(files.Secrets, "streamsHmacKey"), TestContext.Current.CancellationToken), output + error, StringComparison.Ordinal);
        await StartAndStopAsync();

        Assert.Equal(0, (await AdoptAsync()).Exit);
        await using var database = Open();
        var rows = await database.ReadAsync(async connection => (await connection.QueryAsync<(string Actor, string Entity, string Payload)>(
            "SELECT actor_name, entity_id, payload_json FROM admin_audit_events WHERE action = 'key_rotation'")).AsList());
        var row = Assert.Single(rows);
        Assert.Equal(("ops@example.com", sid), (row.Actor, row.Entity));
        Assert.Contains("restored from a backup", row.Payload, StringComparison.Ordinal);
        var keys = (await database.ReadAsync(KeyRegistryStore.ListAsync)).Where(key => key.Class == Streams).ToList();
        Assert.Equal(["active", "retired"], keys.Select(key => key.State).Order());
        Assert.Equal(sid, keys.Single(key => key.State == "active").Sid);
    }

    [Theory]
    [InlineData("--reason is required", "--actor", "ops@example.com")]
    [InlineData("--reason is required", "--actor", "ops@example.com", "--reason", "too short")]
    [InlineData("--actor is required", "--reason", "restored from a backup")]
    public async Task Refuses_without_a_person_or_a_reason(string expected, params string[] words)
    {
        var (exit, output, error) = await running.RunAsync(["keys", "adopt", "--data", files.Data, .. words]);

        Assert.NotEqual(0, exit);
        Assert.Contains(expected, output + error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_a_compromised_key_and_a_class_that_is_being_rotated_and_changes_nothing()
    {
        await StartAndStopAsync();
        var sid = Replace();
        await using (var database = Open())
        {
            await database.WriteAsync(work => KeyRegistryStore.AddAsync(work, Streams, "", sid, "compromised", null, DateTimeOffset.UtcNow));
            var before = await database.ReadAsync(KeyRegistryStore.ListAsync);
            await RefusesAsync($"{sid} is compromised");
            Assert.Equal(before, await database.ReadAsync(KeyRegistryStore.ListAsync));

            var other = Replace();
            await database.WriteAsync(work => RotationStore.InsertAsync(work, new RotationRow
            {
                Id = "rot_1",
                Class = Streams,
                State = "prepared",
                ToSid = other,
                CreatedAt = DateTimeOffset.UtcNow,
                UpdatedAt = DateTimeOffset.UtcNow,
            }));
            await RefusesAsync("rot_1 of streams-hmac is prepared");
            Assert.Equal(before, await database.ReadAsync(KeyRegistryStore.ListAsync));
        }

        await Assert.ThrowsAsync<SettingsException>(StartAndStopAsync);
    }

    private async Task RefusesAsync(string reason)
    {
        var (exit, output, error) = await AdoptAsync();
        Assert.Equal(1, exit);
        Assert.Contains(reason, output + error, StringComparison.Ordinal);
    }

    private Task<(int Exit, string Output, string Error)> AdoptAsync() =>
        running.RunAsync("keys", "adopt", Streams, "--actor", "ops@example.com", "--reason", "restored from a backup", "--data", files.Data);

    private async Task StartAndStopAsync()
    {
        await using var stack = await CaracalStack.StartAsync(
            new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Null }, TestContext.Current.CancellationToken);
        await stack.StopAsync();
    }

    private string Replace()
    {
        var value = RandomNumberGenerator.GetBytes(32);
        SecretFolder.WriteOwnerOnly(Path.Combine(files.Secrets, "streamsHmacKey"), Encoding.ASCII.GetBytes(Convert.ToHexStringLower(value)));
        return SecretId.Of(Streams, value);
    }

    private SqliteDatabase Open() => new(CaracalStack.DatabasePath(files.Data), TimeProvider.System);
}
