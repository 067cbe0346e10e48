using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Caracal.Audit.Export;
using Caracal.Audit.Feeds;
using Caracal.Audit.Retention;
using Caracal.Audit.Tampering;
using Caracal.Audit.Tests.Witnesses;
using Caracal.Audit.Witnesses;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Evidence.Receipts;
using Caracal.Hosting.Metrics;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests.Export;

/// <summary>RFC 3161 time-stamps and receipts, read from an export and from the ledger by whoever trusts one authority; two verifiers agree.</summary>
public sealed class TimeStampedExportTests
{
    [Fact]
    public async Task A_stamp_says_since_when_rows_exist_and_only_of_the_authority_that_is_trusted()
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var stranger = await StandInAuthority.StartAsync();
        await using var ledger = await StampedAsync(authority);
        await ledger.Export().RunAsync(default);

        var ours = await VerifyAsync(ledger, authority);
        var theirs = await LedgerTool.RunAsync(ledger.Folder, "--timestamp-ca", authority.Certificate);
        Assert.Equal((0, ""), (ours.Findings.Count, LedgerTool.Words(theirs)));
        Assert.Equal(55, ours.Stamps["z1"].Seq);
        Assert.InRange(ours.Stamps["z1"].At, TimeProvider.System.GetUtcNow().AddMinutes(-2), TimeProvider.System.GetUtcNow().AddSeconds(2));
        var told = theirs.GetProperty("time_stamped").GetProperty("z1");
        Assert.Equal((ours.Stamps["z1"].Seq, ours.Stamps["z1"].At), (told.GetProperty("chain_seq").GetInt64(), told.GetProperty("existed_at").GetDateTimeOffset()));

        Assert.Equal(("timestamp_mismatch", "timestamp_mismatch"), await WordsAsync(ledger, stranger));
        Assert.Empty((await VerifyAsync(ledger, null)).Stamps);
    }

    [Theory]
    [InlineData("of another zone")]
    [InlineData("altered")]
    [InlineData("gone")]
    [InlineData("nonsense")]
    public async Task A_stamp_of_anything_else_proves_nothing(string deed)
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var ledger = await StampedAsync(authority);
        await ledger.Export().RunAsync(default);
        var path = Path.Combine(ledger.Folder, ExportNames.Manifest(ledger.FirstHour.AddHours(3)));
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        var zones = manifest["zones"]!.AsArray().Select(zone => zone!.AsObject()).ToList();
        var zone = zones.Single(one => one["zone_id"]!.GetValue<string>() == "z1");
        var token = zone["time_stamp"]!.GetValue<string>();
        var bytes = Convert.FromBase64String(token);
        bytes[^20] ^= 1;
        zone["time_stamp"] = deed switch
        {
            "of another zone" => zones.Single(one => one != zone)["time_stamp"]!.GetValue<string>(),
            "altered" => Convert.ToBase64String(bytes),
            "nonsense" => "AAAA",
            _ => null,
        };
        await File.WriteAllTextAsync(path, manifest.ToJsonString());

        Assert.Equal(("manifest_mismatch timestamp_mismatch", "manifest_mismatch timestamp_mismatch"), await WordsAsync(ledger, authority));
    }

    /// <summary>Somebody with the checkpoint key writes history anew and puts what was vouched for of the old one where it is compared with nothing.</summary>
    [Theory]
    [InlineData("time_stamped_checkpoint")]
    [InlineData("witnessed_checkpoint")]
    public async Task An_old_checkpoint_in_a_later_hour_vouches_for_nothing(string member)
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var ledger = await ExportedLedger.CreateAsync();
        await ledger.Audit.TamperAsync("DELETE FROM audit_checkpoints WHERE tree_size > 30");
        await StampAsync(ledger, authority);
        await ledger.Export().RunAsync(default);
        Assert.Equal(30, (await VerifyAsync(ledger, authority)).Stamps["z1"].Seq);

        var (note, token) = ("", "");
        await ResignAsync(ledger, 0, zone =>
        {
            (note, token) = (zone["time_stamped_checkpoint"]!.GetValue<string>(), zone["time_stamp"]!.GetValue<string>());
            Assert.True(zone.Remove("time_stamped_checkpoint") && zone.Remove("time_stamp"));
        });
        Assert.Equal(("", ""), await WordsAsync(ledger, authority));
        await ResignAsync(ledger, 2, zone => (zone[member], zone["time_stamp"]) = (note, token));

        Assert.Equal(("checkpoint_mismatch", "checkpoint_mismatch"), await WordsAsync(ledger, authority));
        await AssertNothingStampedAsync(ledger, authority);
    }

    [Fact]
    public async Task A_stamp_of_rows_that_a_gap_hides_says_nothing()
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var ledger = await StampedAsync(authority);
        await ledger.Export().RunAsync(default);
        File.Delete(Path.Combine(ledger.Folder, ExportNames.Rows(ledger.FirstHour)));

        await AssertNothingStampedAsync(ledger, authority);
    }

    [Fact]
    public async Task The_ledgers_own_stamps_are_read_again()
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var stranger = await StandInAuthority.StartAsync();
        await using var ledger = await StampedAsync(authority);
        async Task<IReadOnlyList<ChainFinding>> Findings(StandInAuthority trusted) => (await WalkAsync(ledger.Audit.Database, trusted)).Findings;

        Assert.Equal(55, (await WalkAsync(ledger.Audit.Database, authority)).Last["z1"].Seq);
        Assert.Empty(await Findings(authority));
        Assert.Equal((2, 0), ((await Findings(stranger)).Count, (await WalkAsync(ledger.Audit.Database, stranger)).Last.Count));

        await ledger.Audit.TamperAsync("UPDATE audit_checkpoint_proofs SET tree_size = 50 WHERE zone_id = 'z1'");
        Assert.Equal("z1", Assert.Single(await Findings(authority)).Chain);
        await ledger.Audit.TamperAsync("DELETE FROM audit_checkpoints WHERE tree_size = 50");
        Assert.Equal("z1", Assert.Single(await Findings(authority)).Chain);
    }

    [Fact]
    public async Task A_stamp_says_nothing_of_rows_that_retention_dropped_before_they_were_compared()
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var ledger = await ExportedLedger.CreateAsync(change: settings => settings with { RetentionDays = 30 });
        await StampAsync(ledger, authority);
        Assert.Equal(["z1", "zone/2 ü"], (await WalkAsync(ledger.Audit.Database, authority)).Last.Keys.Order(StringComparer.Ordinal));

        // Every event is of a month that is over, so retention takes all of them; checkpoints and stamps stay.
        await new PartitionCare(
            new LedgerPartitions(ledger.Audit.Database), new LedgerRetention(ledger.Audit.Database, ledger.Audit.Settings.AuditKeys), ledger.Audit.Settings,
            new AuditMetrics(new MetricsRegistry()), ledger.Audit.Clock, ledger.Audit.Logging.CreateLogger("audit")).RunAsync(default);
        Assert.Equal(0, await ledger.CountAsync());

        var (report, findings, last) = await WalkAsync(ledger.Audit.Database, authority);
        Assert.True(report.IsClean, string.Join("; ", report.Findings));
        Assert.Empty(findings);
        Assert.Empty(last);
    }

    [Theory]
    [InlineData("content_sha256 = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'")]
    [InlineData("decision = 'deny'")]
    public async Task A_stamp_of_rows_that_were_changed_says_nothing(string change)
    {
        await using var authority = await StandInAuthority.StartAsync();
        await using var ledger = await StampedAsync(authority);
        await ledger.Audit.TamperAsync($"UPDATE audit_events SET {change} WHERE zone_id = 'z1' AND chain_seq = 3");

        var (report, _, last) = await WalkAsync(ledger.Audit.Database, authority);
        Assert.False(report.IsClean);
        Assert.Equal(["zone/2 ü"], last.Keys);
    }

    [Fact]
    public async Task The_tool_proves_a_receipt_from_an_export()
    {
        await using var ledger = await ExportedLedger.CreateAsync();
        var row = (await ledger.Audit.RowsAsync())[40];
        await ledger.Export().RunAsync(default);
        async Task<string> Words(Receipt receipt) => LedgerTool.Words(await LedgerTool.RunAsync(ledger.Folder, "--receipt", receipt.ToString()));
        var receipt = new Receipt { ZoneId = "z1", EventId = row.Entry.Id, ContentSha256 = row.ContentSha256 };

        Assert.Equal("", await Words(receipt));
        Assert.Equal("", await Words(Receipt.Promise("z1", row.Entry.Id, Vectors.Keys.Current)));
        Assert.Equal("content_mismatch", await Words(receipt with { ContentSha256 = new string('a', 64) }));
        Assert.Equal("event_missing", await Words(receipt with { ZoneId = "zone/2 ü" }));
    }

    // As `caracal audit verify` does.
    private static async Task<(ChainReport Report, IReadOnlyList<ChainFinding> Findings, IReadOnlyDictionary<string, StampedRow> Last)> WalkAsync(
        Database database, StandInAuthority trusted)
    {
        var stamps = await new StampedCheckpoints(database, Vectors.CheckpointSigner.Key, Trust(trusted)!).ReadAsync(default);
        var report = await new LedgerVerification(database, Vectors.Keys, Vectors.CheckpointSigner.Key, agreed: stamps.Agree).VerifyAllAsync(default);
        return (report, stamps.Findings, stamps.Last(report));
    }

    private static async Task<ExportedLedger> StampedAsync(StandInAuthority authority)
    {
        var ledger = await ExportedLedger.CreateAsync();
        await StampAsync(ledger, authority);
        return ledger;
    }

    private static async Task StampAsync(ExportedLedger ledger, StandInAuthority authority)
    {
        var audit = ledger.Audit;
        using var http = new FeedHttp();
        var settings = audit.Settings.Checkpoints with { TimeStampUrl = authority.Url, TimeStampAuthorities = Trust(authority)! };
        await new TimeStamping(new CheckpointStore(audit.Database), settings, http, new AuditMetrics(new MetricsRegistry()), audit.Clock, audit.Logging.CreateLogger("audit")).RunAsync(default);
    }

    // Changes what an hour's manifest says of z1, and signs it as the server would.
    private static async Task ResignAsync(ExportedLedger ledger, int hour, Action<JsonObject> change)
    {
        var name = ExportNames.Manifest(ledger.FirstHour.AddHours(hour));
        var path = Path.Combine(ledger.Folder, name);
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        change(manifest["zones"]!.AsArray().Select(zone => zone!.AsObject()).Single(zone => zone["zone_id"]!.GetValue<string>() == "z1"));
        await File.WriteAllTextAsync(path, manifest.ToJsonString());
        var text = $"caracal.audit.manifest.v1\n{name}\n{Convert.ToBase64String(SHA256.HashData(await File.ReadAllBytesAsync(path)))}\n";
        await File.WriteAllTextAsync(Path.ChangeExtension(path, ".note"), SignedNote.Sign(text, Vectors.CheckpointSigner, DateTimeOffset.UnixEpoch));
    }

    private static async Task AssertNothingStampedAsync(ExportedLedger ledger, StandInAuthority trusted)
    {
        Assert.DoesNotContain("z1", (await VerifyAsync(ledger, trusted)).Stamps.Keys);
        var told = await LedgerTool.RunAsync(ledger.Folder, "--timestamp-ca", trusted.Certificate);
        Assert.False(told.GetProperty("time_stamped").TryGetProperty("z1", out _));
    }

    private static Task<ExportReport> VerifyAsync(ExportedLedger ledger, StandInAuthority? trusted) => ExportedLedger.VerifyAsync(
        new FolderTarget(ledger.Folder), new ExportTrust { Key = Vectors.CheckpointSigner.Key, TimeStampAuthorities = Trust(trusted) });

    private static async Task<(string Ours, string Theirs)> WordsAsync(ExportedLedger ledger, StandInAuthority trusted) =>
        (LedgerTool.Words((await VerifyAsync(ledger, trusted)).Findings.Select(finding => finding.Word)),
            LedgerTool.Words(await LedgerTool.RunAsync(ledger.Folder, "--timestamp-ca", trusted.Certificate)));

    private static X509Certificate2Collection? Trust(StandInAuthority? authority)
    {
        if (authority is null) return null;
        var trusted = new X509Certificate2Collection();
        trusted.ImportFromPemFile(authority.Certificate);
        return trusted;
    }
}
