using System.Globalization;
using System.Text;
using System.Text.Json;
using Caracal.Audit;
using Caracal.Evidence.Checkpoints;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Keys.Rings;
using Caracal.Stack;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Sqlite;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;

namespace Caracal.Cli.Tests;

public sealed class AuditCommandTests
{
    private static readonly byte[] AuditKey = [.. Enumerable.Range(7, 32).Select(value => (byte)(value * 7))];
    private static readonly byte[] Seed = [.. Enumerable.Range(64, 32).Select(value => (byte)value)];
    private static readonly string PublicKey = new NoteSigner("caracal", Seed).Key.ToString();

    [Fact]
    public async Task Tail_search_and_explain_read_the_ledger()
    {
        using var cli = await LedgerAsync();

        var tail = await cli.RunAsync("audit", "tail", "--zone", "z1", "--count", "2");
        Assert.Equal((0, 2), (tail.Exit, Lines(tail.Output).Length));
        Assert.Contains("req-9", Lines(tail.Output)[1], StringComparison.Ordinal);

        var denied = await cli.RunAsync("audit", "search", "--zone", "z1", "--decision", "deny", "--json");
        Assert.Equal(["3", "6", "9"], Lines(denied.Output).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("chain_seq").ToString()));
        var narrowed = await cli.RunAsync("audit", "search", "--zone", "z1", "--session", "s-1", "--label", "blue", "--application", "app-1", "--type", "token_exchange", "--since", "2026-07-12T10:00:04Z", "--after", "5", "--limit", "1");
        Assert.Equal((0, 1), (narrowed.Exit, Lines(narrowed.Output).Length));
        Assert.Contains("--after 7", narrowed.Error, StringComparison.Ordinal);

        var explained = await cli.RunAsync("audit", "explain", "req-3", "--zone", "z1");
        Assert.Equal(0, explained.Exit);
        Assert.Contains("scope_mismatch", explained.Output, StringComparison.Ordinal);
        Assert.Contains("request req-3: deny", explained.Output + explained.Error, StringComparison.Ordinal);
        var json = JsonDocument.Parse((await cli.RunAsync("audit", "explain", "req-3", "--zone", "z1", "--json")).Output).RootElement;
        Assert.Equal("deny", json.GetProperty("final_decision").GetString());
    }

    [Theory]
    [InlineData("audit")]
    [InlineData("audit", "tail")] // Two zones: which?
    [InlineData("audit", "tail", "--zone", "z1", "--nonsense", "1")]
    [InlineData("audit", "search", "--zone", "z1", "--since", "yesterday")]
    [InlineData("audit", "explain", "nobody", "--zone", "z1")]
    [InlineData("audit", "export")]
    [InlineData("audit", "verify", "--checkpoint", "x")]
    public async Task Refuses_what_it_does_not_understand(params string[] words)
    {
        using var cli = await LedgerAsync();
        var (exit, output, error) = await cli.RunAsync(words);
        Assert.Equal((1, ""), (exit, output));
        Assert.NotEqual("", error);
    }

    [Fact]
    public async Task An_export_verifies_without_ledger_and_secrets_and_names_what_was_changed()
    {
        using var cli = await LedgerAsync();
        var folder = Path.Combine(cli.Home, "export");

        var first = await cli.RunAsync("audit", "export", "--to", folder, "--json");
        Assert.Equal((0, "{\"hours\":2,\"events\":10}\n"), (first.Exit, first.Output));
        Assert.Equal("{\"hours\":0,\"events\":0}\n", (await cli.RunAsync("audit", "export", "--to", folder, "--json")).Output);

        using var auditor = new Running();
        var verified = await auditor.RunAsync("audit", "verify", "--export", folder, "--checkpoint-key", PublicKey);
        Assert.True(verified.Exit == 0, verified.Error);
        Assert.Contains("10 events of 2 hours verified: every row is in a tree that was signed", verified.Output, StringComparison.Ordinal);

        var rows = Directory.GetFiles(folder, "*.parquet", SearchOption.AllDirectories)[0];
        var bytes = await File.ReadAllBytesAsync(rows);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(rows, bytes);
        var changed = await auditor.RunAsync("audit", "verify", "--export", folder, "--checkpoint-key", PublicKey, "--json");
        Assert.Equal(1, changed.Exit);
        Assert.Contains("object_mismatch", changed.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await auditor.RunAsync("audit", "verify", "--export", folder + "x")).Exit);
    }

    [Fact]
    public async Task A_kept_checkpoint_must_carry_the_cosignature_that_is_asked_for()
    {
        using var cli = await LedgerAsync();
        var folder = Path.Combine(cli.Home, "export");
        await cli.RunAsync("audit", "export", "--to", folder);
        var manifest = Directory.GetFiles(folder, "*.manifest.json", SearchOption.AllDirectories).Select(File.ReadAllText).First(text => text.Contains("\"z1\"", StringComparison.Ordinal));
        var note = JsonDocument.Parse(manifest).RootElement.GetProperty("zones").EnumerateArray().First(zone => zone.GetProperty("zone_id").GetString() == "z1").GetProperty("checkpoint").GetString()!;
        var witness = new NoteSigner("witness.example", new byte[32], NoteKey.Cosignature);
        var kept = Path.Combine(cli.Home, "kept");
        string[] words = ["audit", "verify", "--export", folder, "--checkpoint-key", PublicKey, "--checkpoint", kept, "--witness-key", witness.Key.ToString()];

        await File.WriteAllTextAsync(kept, note);
        var missing = await cli.RunAsync(words);
        Assert.Equal(2, missing.Exit);
        Assert.Contains("not cosigned by witness.example", missing.Error, StringComparison.Ordinal);

        var text = SignedNote.Parse(note)!.Text;
        await File.WriteAllTextAsync(kept, note + witness.SignatureLine(text, DateTimeOffset.UnixEpoch) + "\n");
        var cosigned = await cli.RunAsync(words);
        Assert.True(cosigned.Exit == 0, cosigned.Error);

        await File.WriteAllTextAsync(kept, note + witness.SignatureLine("other\n1\nAAAA\n", DateTimeOffset.UnixEpoch) + "\n");
        Assert.Equal(2, (await cli.RunAsync(words)).Exit);
    }

    [Fact]
    public async Task Verify_of_the_ledger_finds_a_changed_row()
    {
        using var cli = await LedgerAsync();
        Assert.Equal(0, (await cli.RunAsync("audit", "verify")).Exit);

        await using (var database = new SqliteDatabase(CaracalStack.DatabasePath(Path.Combine(cli.Home, "data")), TimeProvider.System))
        {
            await database.WriteAsync(work => work.Connection.ExecuteAsync("UPDATE audit_events SET decision = 'allow' WHERE zone_id = 'z1' AND chain_seq = 3"));
        }

        var (exit, _, error) = await cli.RunAsync("audit", "verify");
        Assert.Equal(1, exit);
        Assert.Contains("content_mismatch: row e3 of chain z1, sequence 3", error, StringComparison.Ordinal);
    }

    // Nine events of z1 and one of z2, ingested two hours ago.
    private static async Task<Running> LedgerAsync()
    {
        var cli = new Running(
            ("AUDIT_HMAC_KEY", Convert.ToHexStringLower(AuditKey)), ("AUDIT_CHECKPOINT_KEY", Convert.ToHexStringLower(Seed)), ("CARACAL_MODE", "dev"));
        var data = Directory.CreateDirectory(Path.Combine(cli.Home, "data")).FullName;
        await using var database = new SqliteDatabase(CaracalStack.DatabasePath(data), TimeProvider.System);
        await Migrator.MigrateAsync(database, TimeProvider.System.GetUtcNow(), default);
        var settings = new AuditSettings
        {
            Mode = CaracalMode.Dev,
            Listen = new ListenSettings { Host = "127.0.0.1", Port = 0 },
            AuditKeys = HmacKeyRing.Of(KeyClass.AuditHmac, AuditKey),
        };
        using var state = new InProcessState(TimeProvider.System);
        await using var audit = new AuditService(
            settings, database, new DatabaseClock(database, TimeProvider.System), new InProcessStreams(TimeProvider.System), state, NullLogger.Instance);
        await audit.JournalSink.ShipAsync([.. Enumerable.Range(1, 9).Select(i => Event(i, "z1")), Event(10, "z2")], default);
        var hours = TimeProvider.System.GetUtcNow().AddMinutes(-5).ToUnixTimeSeconds() / 3600;
        await database.WriteAsync(work => work.Connection.ExecuteAsync("UPDATE audit_events SET ingested_at = @at", new { at = ((hours - 2) * 3_600_000_000) + 5 }));
        return cli;
    }

    private static ReadOnlyMemory<byte> Event(int i, string zone) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$$"""{"id":"e{{{i}}}","zone_id":"{{{zone}}}","event_type":"token_exchange","request_id":"req-{{{i}}}","decision":"{{{(i % 3 == 0 ? "deny" : "allow")}}}","evaluation_status":"{{{(i % 3 == 0 ? "scope_mismatch" : "complete")}}}","determining_policies_json":[],"diagnostics_json":[],"metadata_json":{"application_id":"app-1","agent_session_id":"s-{{{i % 2}}}","agent_labels":["blue"]},"occurred_at":"2026-07-12T10:00:{{{i:D2}}}Z"}"""));

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
