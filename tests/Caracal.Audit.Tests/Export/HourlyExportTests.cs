using System.Text;
using System.Text.Json;
using Caracal.Audit.Export;
using Caracal.Evidence.Ledger;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.TestKit;

namespace Caracal.Audit.Tests.Export;

public sealed class HourlyExportTests
{
    [Theory]
    [Trait("requirement", "R38")]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task An_independent_reader_finds_the_same_rows_types_and_counts(Engine engine)
    {
        await using var ledger = await ExportedLedger.CreateAsync(engine);
        await ledger.Export().RunAsync(default);

        var packages = await NodePackages.InstallAsync(ExportedLedger.Reader);
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Export", "read-parquet.mjs"), Path.Combine(packages, $"read-{engine}.mjs"), overwrite: true);
        var file = Path.Combine(ledger.Folder, ExportNames.Rows(ledger.FirstHour));
        var (code, output) = await NodePackages.RunAsync("node", packages, [$"read-{engine}.mjs", file]);
        Assert.True(code == 0, output);
        var read = JsonDocument.Parse(output).RootElement;

        string[] numbers = ["class_uid INT32", "type_uid INT32", "severity_id INT32", "activity_id INT32", "time INT64", "chain_seq INT64", "occurred_at_us INT64", "ingested_at_us INT64"];
        Assert.Equal(
            "class_uid,type_uid,severity_id,activity_id,time,zone_id,request_id,policy_set_version_id,decision,metadata_version,product_name,event_id,event_type,policy_set_id,manifest_sha,"
                + "evaluation_status,determining_policies_json,diagnostics_json,metadata_json,content_sha256,chain_hmac,chain_seq,prev_content_sha256,occurred_at_us,ingested_at_us,hmac_key_id,ingest_signature,ingest_key_id",
            string.Join(',', read.GetProperty("columns").EnumerateArray().Select(column => column.GetString()!.Split(' ')[0])));
        Assert.All(read.GetProperty("columns").EnumerateArray().Select(column => column.GetString()!), column => Assert.True(
            numbers.Any(number => column.StartsWith(number + " REQUIRED", StringComparison.Ordinal)) || column.EndsWith("BYTE_ARRAY REQUIRED UTF8", StringComparison.Ordinal), column));

        var stored = (await ledger.Audit.RowsAsync()).Where(row => row.ChainSeq <= 30).Concat((await ledger.Audit.RowsAsync("zone/2 ü")).Where(row => row.ChainSeq <= 2)).ToList();
        Assert.Equal(stored.Count, read.GetProperty("count").GetInt32());
        Assert.Equal(stored.Select(Told), read.GetProperty("rows").EnumerateArray().Select(Read));
    }

    [Fact]
    public async Task Every_hour_has_a_manifest_and_every_row_is_in_one_hour()
    {
        await using var ledger = await ExportedLedger.CreateAsync();
        await ledger.Export().RunAsync(default);

        var manifests = Enumerable.Range(0, 4).Select(i => ExportManifest.Parse(File.ReadAllBytes(Path.Combine(ledger.Folder, ExportNames.Manifest(ledger.FirstHour.AddHours(i)))))!).ToList();
        Assert.Equal([32, 0, 21, 6], manifests.Select(manifest => manifest.Events));
        Assert.False(File.Exists(Path.Combine(ledger.Folder, ExportNames.Rows(ledger.FirstHour.AddHours(1)))));
        var progress = await new ExportStore(ledger.Audit.Database).ReadAsync(ExportStore.Hourly, default);
        Assert.Equal(ledger.FirstHour.AddHours(3), progress.LastHour);
        Assert.Equal(55, progress.Zones["z1"]);

        await ledger.Export().RunAsync(default);
        Assert.Equal(14, (await new FolderTarget(ledger.Folder).ListAsync(default)).Count - 1);
    }

    [Fact]
    public async Task A_row_whose_clock_was_slow_leaves_with_the_next_hour_and_no_row_is_left_out()
    {
        await using var ledger = await ExportedLedger.CreateAsync();
        await ledger.StampAsync("zone_id = 'z1' AND chain_seq = 40", ledger.FirstHour.AddMinutes(59));
        await ledger.StampAsync("zone_id = 'z1' AND chain_seq = 20", ledger.FirstHour.AddHours(2).AddMinutes(1));
        await ledger.Export().RunAsync(default);

        var report = await ExportedLedger.VerifyAsync(new FolderTarget(ledger.Folder));
        Assert.Equal((0, await ledger.CountAsync()), (report.Findings.Count, report.Events));
    }

    [Fact]
    public async Task Two_exporters_and_one_that_was_stopped_anywhere_make_the_same_hour_once()
    {
        await using var ledger = await ExportedLedger.CreateAsync();
        var target = new StoppingTarget(new FolderTarget(ledger.Folder));
        var stops = 0;
        for (var created = -1; created != target.Created; stops++)
        {
            created = target.Created;
            target.Remaining = 1;
            await ledger.Export(target).RunAsync(default);
            await Task.WhenAll(ledger.Export(target).RunAsync(default), ledger.Export(target).RunAsync(default));
        }

        Assert.True(stops > 3);
        var report = await ExportedLedger.VerifyAsync(target, new ExportTrust { Key = Vectors.CheckpointSigner.Key, AuditKeys = Vectors.Keys });
        Assert.Equal((0, await ledger.CountAsync(), 4), (report.Findings.Count, report.Events, report.Hours));
    }

    [Theory]
    [InlineData(".parquet")]
    [InlineData(".manifest.json")]
    public async Task What_somebody_else_put_there_stops_the_export(string end)
    {
        await using var ledger = await ExportedLedger.CreateAsync();
        var name = ExportNames.Manifest(ledger.FirstHour).Replace(".manifest.json", end, StringComparison.Ordinal);
        await new FolderTarget(ledger.Folder).CreateAsync(name, new MemoryStream(Encoding.UTF8.GetBytes("{}")), default);

        await ledger.Export().RunAsync(default);

        Assert.Null((await new ExportStore(ledger.Audit.Database).ReadAsync(ExportStore.Hourly, default)).LastHour);
        Assert.Contains("export_object_conflict", ledger.Audit.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_that_are_not_the_ones_signed_leave_without_a_signature()
    {
        await using var ledger = await ExportedLedger.CreateAsync();
        await ledger.Audit.TamperAsync("UPDATE audit_events SET decision = 'deny' WHERE zone_id = 'z1' AND chain_seq = 5");
        await ledger.Export().RunAsync(default);

        var findings = (await ExportedLedger.VerifyAsync(new FolderTarget(ledger.Folder))).Findings;
        Assert.Contains(findings, finding => finding is { Word: "content_mismatch", Zone: "z1", ChainSeq: 5 });
        Assert.Contains(findings, finding => finding is { Word: "checkpoint_mismatch", Zone: "z1", ChainSeq: 30 });
        Assert.Contains("checkpoint not signed", ledger.Audit.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void The_vector_of_the_manifests_signature_holds() => Assert.Equal(
        "ab067b419c6375b36c2eb4b436601740121ad8bb61885888233967c2a304e567",
        ChainAnchor.ManifestMac(Vectors.Keys.Current, """{"bucket":"caracal-audit","events":2}"""u8));

    private static string Told(LedgerRow row) => string.Join('|',
        row.Entry.Id, row.Entry.ZoneId, row.Entry.RequestId, row.Entry.Decision, row.Entry.DeterminingPoliciesJson, row.Entry.DiagnosticsJson, row.Entry.MetadataJson,
        row.Entry.PolicySetVersionId, row.ContentSha256, row.PrevContentSha256, row.ChainHmac, row.ChainSeq, Instants.ToMicroseconds(row.Entry.OccurredAt),
        Instants.ToMicroseconds(row.IngestedAt), row.HmacKeyId, row.IngestSignature, row.Entry.Decision == "deny" ? 2 : 1, row.Entry.OccurredAt.ToUnixTimeMilliseconds());

    private static string Read(JsonElement row)
    {
        string[] names =
        [
            "event_id", "zone_id", "request_id", "decision", "determining_policies_json", "diagnostics_json", "metadata_json", "policy_set_version_id", "content_sha256",
            "prev_content_sha256", "chain_hmac", "chain_seq", "occurred_at_us", "ingested_at_us", "hmac_key_id", "ingest_signature", "severity_id", "time",
        ];
        return string.Join('|', names.Select(name => row.GetProperty(name).ToString()));
    }

    /// <summary>Fails after so many objects, as a process that is killed does.</summary>
    private sealed class StoppingTarget(IExportTarget inner) : IExportTarget
    {
        private int _created;
        private int _remaining;

        public int Remaining { set => _remaining = value; }

        public int Created => _created;

        public async Task<bool> CreateAsync(string key, Stream content, CancellationToken cancellationToken)
        {
            if (await inner.OpenAsync(key, cancellationToken) is { } there)
            {
                await there.DisposeAsync();
                return false;
            }

            if (Interlocked.Decrement(ref _remaining) < 0) throw new ExportTargetException("stopped");
            if (!await inner.CreateAsync(key, content, cancellationToken)) return false;
            Interlocked.Increment(ref _created);
            return true;
        }

        public Task MendAsync(string key, Stream content, CancellationToken cancellationToken) => throw new InvalidOperationException("nothing is torn");

        public Task<Stream?> OpenAsync(string key, CancellationToken cancellationToken) => inner.OpenAsync(key, cancellationToken);

        public Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken) => inner.ListAsync(cancellationToken);
    }
}
