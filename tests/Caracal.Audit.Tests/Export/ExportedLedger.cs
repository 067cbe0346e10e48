using Caracal.Audit.Export;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Audit.Tests.Export;

/// <summary>A ledger whose events were ingested over some hours, and its export.</summary>
internal sealed class ExportedLedger(AuditHarness audit) : IAsyncDisposable
{
    public static readonly string[] Reader = ["hyparquet@1.33.0"];

    public AuditHarness Audit => audit;

    public string Folder { get; } = Directory.CreateTempSubdirectory("caracal-export-").FullName;

    /// <summary>Four complete hours ago.</summary>
    public DateTimeOffset FirstHour { get; } = ExportNames.HourOf(TimeProvider.System.GetUtcNow() - HourlyExport.Settling).AddHours(-4);

    public ExportSettings Settings => new() { Folder = Folder };

    /// <summary>Hour 0: 30 events of z1 and 2 of another zone. Hour 1: none. Hour 2: 20 of z1. Hour 3: 5 of z1, 1 of the other.</summary>
    public static async Task<ExportedLedger> CreateAsync(Engine engine = Engine.Sqlite, Func<AuditSettings, AuditSettings>? change = null)
    {
        var audit = await AuditHarness.CreateAsync(engine, change);
        await audit.Clock.MeasureAsync(default);
        var ledger = new ExportedLedger(audit);
        var checkpointer = audit.NewCheckpointer(audit.Settings.Checkpoints with { Events = 1 });
        foreach (var (hour, first, count, others) in ((int, int, int, int)[])[(0, 1, 30, 2), (2, 31, 20, 0), (3, 51, 5, 1)])
        {
            await audit.ShipAsync([
                Vectors.A.Replace("00a1", $"00{hour}a", StringComparison.Ordinal).Replace("\"z1\"", "\"zone/2 ü\"", StringComparison.Ordinal),
                .. Enumerable.Range(first, count).Select(i => Vectors.Event($"e{i}", metadata: $$"""{"n":{{i}},"text":"ünï\u0001 \"q\""}"""))]);
            if (others == 2) await audit.ShipAsync(Vectors.Event("other", "zone/2 ü", "deny"));
            await ledger.StampAsync($"ingested_at > {ledger.Literal(ledger.FirstHour.AddHours(4))}", ledger.FirstHour.AddHours(hour).AddMinutes(10));
            if (audit.Settings.Checkpoints.Signer is not null) await checkpointer.RunAsync(default);
        }

        return ledger;
    }

    /// <summary>Says when rows were ingested.</summary>
    public Task StampAsync(string where, DateTimeOffset at) => audit.TamperAsync($"UPDATE audit_events SET ingested_at = {Literal(at)} WHERE {where}");

    public HourlyExport Export(IExportTarget? target = null, ExportSettings? settings = null) => new(
        audit.Database, target ?? new FolderTarget(Folder), new StoredProgress(audit.Database), settings ?? Settings, audit.Settings.AuditKeys, audit.Settings.Checkpoints.Signer,
        new AuditMetrics(new MetricsRegistry()), audit.Clock, audit.Logging.CreateLogger("audit"));

    public Task<long> CountAsync() => audit.Owner.ReadAsync(connection => connection.ExecuteScalarAsync<long>("SELECT count(*) FROM audit_events"));

    /// <summary>Our verification, with the public key.</summary>
    public static Task<ExportReport> VerifyAsync(IExportTarget target, ExportTrust? trust = null) =>
        new ExportVerification(target, trust ?? new ExportTrust { Key = Vectors.CheckpointSigner.Key }).RunAsync(null, default);

    public async ValueTask DisposeAsync()
    {
        await audit.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private string Literal(DateTimeOffset at) => audit.Database.Dialect.PartitionsLedger ? $"'{at:O}'" : Instants.ToMicroseconds(at).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
