using System.Globalization;
using System.Text;
using System.Text.Json;
using Caracal.Audit;
using Caracal.Audit.Checkpoints;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Events;
using Caracal.Evidence.Receipts;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Caracal.Stack;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.Storage.Migrations;
using Caracal.Storage.Sqlite;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Dapper;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Caracal.Cli.Tests;

/// <summary><c>caracal audit verify --receipt</c>, against a service over HTTP and against an export.</summary>
public sealed class AuditReceiptTests : IAsyncLifetime
{
    private const string AdminToken = "audit-admin-0123456789abcdefghij";
    private static readonly byte[] AuditKey = [.. Enumerable.Range(7, 32).Select(value => (byte)(value * 7))];
    private static readonly HmacKeyRing Keys = HmacKeyRing.Of(KeyClass.AuditHmac, AuditKey);
    private static readonly NoteSigner Signer = new("caracal", [.. Enumerable.Range(64, 32).Select(value => (byte)value)]);
    private static readonly DateTimeOffset Old = new(2026, 7, 12, 10, 0, 0, TimeSpan.Zero);

    private readonly Running _cli = new(("AUDIT_CHECKPOINT_KEY", Convert.ToHexStringLower([.. Enumerable.Range(64, 32).Select(value => (byte)value)])), ("CARACAL_MODE", "dev"), ("AUDIT_ADMIN_TOKEN", AdminToken));
    private readonly InProcessState _state = new(TimeProvider.System);
    private readonly JsonLineLogging _logging = new(TextWriter.Null, LogLevel.Error, "test", "test");
    private SqliteDatabase _database = null!;
    private AuditService _audit = null!;
    private RoleServer _server = null!;
    private Checkpointer _checkpointer = null!;

    public async ValueTask InitializeAsync()
    {
        var data = Directory.CreateDirectory(Path.Combine(_cli.Home, "data")).FullName;
        _database = new SqliteDatabase(CaracalStack.DatabasePath(data), TimeProvider.System);
        await Migrator.MigrateAsync(_database, TimeProvider.System.GetUtcNow(), default);
        var clock = new DatabaseClock(_database, TimeProvider.System);
        var settings = new AuditSettings
        {
            Mode = CaracalMode.Dev,
            Listen = new ListenSettings { Host = "127.0.0.1", Port = 0 },
            AuditKeys = Keys,
            AdminToken = TokenRing.Of(KeyClass.AuditAdminToken, AdminToken),
            Checkpoints = new CheckpointSettings { Signer = Signer, Events = 1 },
        };
        _audit = new AuditService(settings, _database, clock, new InProcessStreams(TimeProvider.System), _state, NullLogger.Instance);
        _checkpointer = new Checkpointer(new CheckpointStore(_database), settings.Checkpoints, new AuditMetrics(new MetricsRegistry()), clock, NullLogger.Instance);
        _server = RoleServer.Create(_audit.ServerOptions, _logging);
        _audit.MapRoutes(_server.Application);
        await _server.StartAsync(default); // listens, and signs only when the test does
        _cli.Set("CARACAL_AUDIT_URL", _server.Address);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _audit.DisposeAsync();
        await _database.DisposeAsync();
        _state.Dispose();
        _cli.Dispose();
    }

    [Fact]
    public async Task The_service_proves_what_is_signed_and_says_what_is_not_yet()
    {
        var events = await RecordAsync(5);
        var receipt = Receipt.Of(events[2], Keys.Current).ToString();
        var unsigned = await VerifyAsync(receipt);
        Assert.Equal((3, "not_yet"), (unsigned.Exit, unsigned.Result));

        await _checkpointer.RunAsync(default);
        var first = (await new CheckpointStore(_database).FindAsync("z1", null, default))!;
        await RecordAsync(4, from: 5);
        await _checkpointer.RunAsync(default);
        var proven = await VerifyAsync(receipt, "--checkpoint", _cli.Write("kept", first.Note));
        Assert.Equal((0, "proven"), (proven.Exit, proven.Result));
        Assert.Equal((0, "proven"), await VerifyAsync(Receipt.Promise("z1", events[4].Id, Keys.Current).ToString()));
        Assert.Equal((0, "proven"), await VerifyAsync(_cli.Write("headers", $"HTTP/1.1 200 OK\r\nX-Caracal-Receipt: {receipt}\r\n\r\n")));

        var young = Receipt.Promise("z1", Guid.CreateVersion7().ToString(), Keys.Current).ToString();
        Assert.Equal((3, "not_yet"), await VerifyAsync(young));
    }

    [Fact]
    public async Task The_service_proves_nothing_foreign_altered_lost_or_rewritten()
    {
        var events = await RecordAsync(5);
        await _checkpointer.RunAsync(default);
        var kept = (await new CheckpointStore(_database).FindAsync("z1", null, default))!.Note;
        var receipt = Receipt.Of(events[2], Keys.Current);

        Assert.Equal((1, "event_missing"), await VerifyAsync(Receipt.Promise("z1", "019a0000-0000-7000-8000-0000000000ff", Keys.Current).ToString()));
        Assert.Equal((1, "event_missing"), await VerifyAsync(Receipt.Of(events[2] with { ZoneId = "z2" }, Keys.Current).ToString()));
        Assert.Equal((1, "content_mismatch"), await VerifyAsync(Receipt.Of(events[2] with { Decision = "deny" }, Keys.Current).ToString()));
        Assert.Equal((1, "content_mismatch"), await VerifyAsync((receipt with { ContentSha256 = new string('a', 64) }).ToString()));
        Assert.Equal(2, (await _cli.RunAsync("audit", "verify", "--receipt", receipt.ToString()[..^9], "--checkpoint-key", Signer.Key.ToString())).Exit);

        // Who holds the audit key knows an altered receipt from a lost event.
        _cli.Set("AUDIT_HMAC_KEY", Convert.ToHexStringLower(AuditKey));
        Assert.Equal((0, "proven"), await VerifyAsync(receipt.ToString()));
        Assert.Equal((1, "receipt_forged"), await VerifyAsync((receipt with { ContentSha256 = new string('a', 64) }).ToString()));
        Assert.Equal((1, "receipt_unvouched"), await VerifyAsync((receipt with { KeyId = "0123456789abcdef" }).ToString()));
        Assert.Equal((1, "receipt_forged"), await VerifyAsync((receipt with { KeyId = null, Mac = null }).ToString()));

        // The ledger is made to give the content under another event's id.
        const string Other = "019a0000-0000-7000-8000-0000000000ee";
        await TamperAsync($"UPDATE audit_events SET id = '{Other}' WHERE chain_seq = 3");
        var other = Receipt.Promise("z1", Other, Keys.Current) with { ContentSha256 = receipt.ContentSha256, KeyId = null, Mac = null };
        _cli.Set("AUDIT_HMAC_KEY", null);
        Assert.Equal((1, "content_mismatch"), await VerifyAsync(other.ToString()));
        _cli.Set("AUDIT_HMAC_KEY", Convert.ToHexStringLower(AuditKey));
        await TamperAsync($"UPDATE audit_events SET id = '{events[2].Id}' WHERE chain_seq = 3");

        // Somebody with every key replaces the event, and signs anew.
        await TamperAsync("UPDATE audit_events SET content_sha256 = replace(content_sha256, substr(content_sha256, 1, 6), '000000') WHERE chain_seq = 3; DELETE FROM audit_checkpoints; DELETE FROM audit_tree_nodes");
        await new Checkpointer(new CheckpointStore(_database), new CheckpointSettings { Signer = Signer, Events = 1 }, new AuditMetrics(new MetricsRegistry()), new DatabaseClock(_database, TimeProvider.System), NullLogger.Instance).RunAsync(default);
        Assert.Equal((1, "content_mismatch"), await VerifyAsync(receipt.ToString()));
        Assert.Equal((1, "content_mismatch"), await VerifyAsync(Receipt.Promise("z1", events[2].Id, Keys.Current).ToString()));
        Assert.Equal((1, "checkpoint_mismatch"), await VerifyAsync(Receipt.Of(events[3], Keys.Current).ToString(), "--checkpoint", _cli.Write("kept", kept)));
    }

    [Fact]
    public async Task An_export_proves_a_receipt_without_service_and_secrets()
    {
        var events = await RecordAsync(5);
        var hours = TimeProvider.System.GetUtcNow().AddMinutes(-5).ToUnixTimeSeconds() / 3600;
        await TamperAsync(string.Create(CultureInfo.InvariantCulture, $"UPDATE audit_events SET ingested_at = {((hours - 2) * 3_600_000_000) + 5}"));
        var folder = Path.Combine(_cli.Home, "export");
        _cli.Set("AUDIT_HMAC_KEY", Convert.ToHexStringLower(AuditKey));
        Assert.Equal(0, (await _cli.RunAsync("audit", "export", "--to", folder)).Exit);
        using var auditor = new Running();
        async Task<(int, string)> Verify(Receipt receipt) => await VerifyAsync(auditor, receipt.ToString(), "--export", folder);

        Assert.Equal((0, "proven"), await Verify(Receipt.Of(events[4], Keys.Current)));
        Assert.Equal((0, "proven"), await Verify(Receipt.Promise("z1", events[0].Id, null)));
        Assert.Equal((1, "content_mismatch"), await Verify(Receipt.Of(events[4] with { RequestId = "other" }, Keys.Current)));
        Assert.Equal((1, "event_missing"), await Verify(Receipt.Of(events[4] with { ZoneId = "z2" }, Keys.Current)));
        Assert.Equal((3, "not_yet"), await Verify(Receipt.Promise("z1", Guid.CreateVersion7().ToString(), null)));

        var rows = Directory.GetFiles(folder, "*.parquet", SearchOption.AllDirectories)[0];
        var bytes = await File.ReadAllBytesAsync(rows);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(rows, bytes);
        Assert.Equal((1, "object_mismatch"), await Verify(Receipt.Of(events[4], Keys.Current)));
    }

    [Fact]
    public async Task Says_what_is_missing_to_prove_anything()
    {
        var receipt = Receipt.Promise("z1", "e1", null).ToString();
        Assert.Equal(1, (await _cli.RunAsync("audit", "verify", "--receipt", receipt)).Exit);
        _cli.Set("AUDIT_ADMIN_TOKEN", null);
        var (exit, _, error) = await _cli.RunAsync("audit", "verify", "--receipt", receipt, "--checkpoint-key", Signer.Key.ToString());
        Assert.Equal(2, exit);
        Assert.Contains("AUDIT_ADMIN_TOKEN", error, StringComparison.Ordinal);
    }

    // Made long ago by their ids, so that one that is missing is missing.
    private async Task<List<AuditEvent>> RecordAsync(int count, int from = 0)
    {
        var events = Enumerable.Range(from, count).Select(i => new AuditEvent
        {
            Id = Guid.CreateVersion7(Old.AddSeconds(i)).ToString(),
            ZoneId = "z1",
            EventType = "gateway_resource_request",
            RequestId = $"req-{i}",
            Decision = "allow",
            EvaluationStatus = "executed",
            MetadataJson = "{\"method\":\"GET\",\"latency_ms\":1.50}"u8.ToArray(),
            OccurredAt = Old.AddSeconds(i),
        }).ToList();
        await _audit.JournalSink.ShipAsync([.. events.Select(e => (ReadOnlyMemory<byte>)e.ToUtf8())], default);
        return events;
    }

    private Task TamperAsync(string sql) => _database.WriteAsync(work => work.Connection.ExecuteAsync(sql));

    private Task<(int Exit, string Result)> VerifyAsync(string receipt, params string[] more) => VerifyAsync(_cli, receipt, more);

    private static async Task<(int Exit, string Result)> VerifyAsync(Running cli, string receipt, params string[] more)
    {
        var (exit, output, error) = await cli.RunAsync(["audit", "verify", "--receipt", receipt, "--checkpoint-key", Signer.Key.ToString(), "--json", .. more]);
        Assert.True(output.StartsWith('{'), output + error);
        return (exit, JsonDocument.Parse(output).RootElement.GetProperty("result").GetString()!);
    }
}
