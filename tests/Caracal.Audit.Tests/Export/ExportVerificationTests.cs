using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Audit.Export;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.TestKit;

namespace Caracal.Audit.Tests.Export;

/// <summary>
/// What somebody who can write the bucket, and in the last rows the ledger's host too, may do to an export; and that two
/// verifiers that share no code say the same of it.
/// </summary>
public sealed class ExportVerificationTests
{
    // audit.md 5, vector A.
    [Theory]
    [InlineData("null", true)]
    [InlineData("undefined", true)]
    [InlineData("''", false)]
    [InlineData("'[]'", false)]
    public async Task The_tool_tells_an_empty_JSON_text_from_none(string diagnostics, bool holds)
    {
        var hash = await LedgerTool.ContentHashAsync(
            $$"""
            { event_id: '019a0000-0000-7000-8000-0000000000a1', zone_id: 'z1', event_type: 'token_exchange', request_id: 'req-1', decision: 'allow',
              policy_set_id: '', policy_set_version_id: 'psv-1', manifest_sha: '3a6eb079', evaluation_status: 'complete',
              determining_policies_json: '[{"policy": "allow-read"}]', diagnostics_json: {{diagnostics}},
              metadata_json: '{"resource": "resource://pipernet", "latency_ms": 1.50, "application_id": "app-1", "requested_scopes": ["read"]}',
              occurred_at_us: 1783850400123456n }
            """);
        Assert.Equal(holds, hash == Vectors.ContentA);
    }

    [Theory]
    [Trait("requirement", "R130")]
    [InlineData("honest")]
    [InlineData("honest, from a later hour on")]
    [InlineData("edit a row in its file", "object_mismatch", "content_mismatch")]
    [InlineData("edit a row and every hash and link after it", "manifest_mismatch", "checkpoint_mismatch", "chain_break")]
    [InlineData("drop a row and tell the manifest", "manifest_mismatch", "chain_break")]
    [InlineData("repeat a row", "object_mismatch", "manifest_mismatch", "chain_break")]
    [InlineData("swap two rows", "object_mismatch", "chain_break")]
    [InlineData("put a row of another zone in", "object_mismatch", "manifest_mismatch", "chain_break")]
    [InlineData("remove a file of rows", "object_missing", "manifest_mismatch", "chain_break")]
    [InlineData("cut a file off", "object_mismatch", "manifest_mismatch", "chain_break")]
    [InlineData("remove an hour", "hour_missing", "chain_break")]
    [InlineData("remove an empty hour", "hour_missing")]
    [InlineData("remove a note", "manifest_mismatch")]
    [InlineData("swap the files of two hours", "object_mismatch", "manifest_mismatch", "chain_break")]
    [InlineData("take a checkpoint out of the manifest", "manifest_mismatch", "checkpoint_mismatch")]
    [InlineData("add a file", "manifest_mismatch")]
    [InlineData("spoil a manifest", "manifest_mismatch", "chain_break", "hour_missing")]
    [InlineData("remove everything", "manifest_mismatch")]
    [InlineData("remove the last hour; a checkpoint was kept", "checkpoint_mismatch")]
    [InlineData("sign another history with the stolen key; a checkpoint was kept", "checkpoint_mismatch")]
    public async Task Two_verifiers_agree(string deed, params string[] words)
    {
        await using var ledger = await ExportedLedger.CreateAsync();
        var kept = Path.Combine(ledger.Folder, "kept.txt");
        await File.WriteAllTextAsync(kept, (await ledger.Audit.CheckpointAsync()).Note);
        if (deed.StartsWith("sign another", StringComparison.Ordinal)) await ForgeHistoryAsync(ledger);
        await ledger.Export().RunAsync(default);
        await ChangeAsync(ledger, deed);

        var keeps = deed.EndsWith("kept", StringComparison.Ordinal);
        var trust = new ExportTrust
        {
            Key = Vectors.CheckpointSigner.Key,
            Kept = keeps ? [Checkpoint.Open(await File.ReadAllTextAsync(kept), Vectors.CheckpointSigner.Key, "caracal/z1")!] : [],
        };
        var ours = await ExportedLedger.VerifyAsync(new FolderTarget(ledger.Folder), trust);
        var theirs = await LedgerTool.RunAsync(ledger.Folder, keeps ? ["--checkpoint", kept] : []);

        Assert.True(LedgerTool.Words(words) == LedgerTool.Words(ours.Findings.Select(finding => finding.Word)), $"ours: {string.Join("; ", ours.Findings)}");
        Assert.True(LedgerTool.Words(words) == LedgerTool.Words(theirs), $"theirs: {theirs}");
        Assert.Equal(ours.Events, theirs.GetProperty("events").GetInt64());
        Assert.Equal(ours.Ends.OrderBy(end => end.Key).Select(end => (end.Key, end.Value)), theirs.GetProperty("proven").EnumerateObject().OrderBy(end => end.Name).Select(end => (end.Name, end.Value.GetInt64())));
    }

    [Fact]
    public async Task Without_a_checkpoint_key_only_the_audit_key_tells_who_wrote_an_export()
    {
        await using var ledger = await ExportedLedger.CreateAsync(change: settings => settings with { Checkpoints = new() });
        await ledger.Export().RunAsync(default);

        Assert.True((await ExportedLedger.VerifyAsync(new FolderTarget(ledger.Folder), new ExportTrust())).IsClean);
        Assert.True((await ExportedLedger.VerifyAsync(new FolderTarget(ledger.Folder), new ExportTrust { AuditKeys = Vectors.Keys })).IsClean);
        var others = await ExportedLedger.VerifyAsync(new FolderTarget(ledger.Folder), new ExportTrust { AuditKeys = Vectors.OtherKeys });
        Assert.Equal(4, others.Findings.Count(finding => finding.Word == "manifest_mismatch"));
        Assert.Contains((await ExportedLedger.VerifyAsync(new FolderTarget(ledger.Folder))).Findings, finding => finding.Word == "checkpoint_mismatch");
    }

    [Theory]
    [InlineData("honest", true)]
    [InlineData("edit a row in its file", true)] // of an older hour
    [InlineData("change the newest", false)]
    [InlineData("remove everything", false)]
    public async Task The_newest_hour_is_verified_alone(string deed, bool holds)
    {
        await using var ledger = await ExportedLedger.CreateAsync();
        await ledger.Export().RunAsync(default);
        if (deed == "change the newest") await File.AppendAllTextAsync(Path.Combine(ledger.Folder, ExportNames.Rows(ledger.FirstHour.AddHours(3))), "x");
        else await ChangeAsync(ledger, deed);

        var report = await new ExportVerification(new FolderTarget(ledger.Folder), new ExportTrust { Key = Vectors.CheckpointSigner.Key, AuditKeys = Vectors.Keys }).RunNewestAsync(null, default);

        Assert.True(holds == report.IsClean, string.Join("; ", report.Findings));
        if (holds) Assert.Equal((1, 6), (report.Hours, report.Events));
    }

    private static async Task ChangeAsync(ExportedLedger ledger, string deed)
    {
        var hours = Enumerable.Range(0, 4).Select(i => ledger.FirstHour.AddHours(i)).ToArray();
        string At(string key) => Path.Combine(ledger.Folder, key);
        switch (deed)
        {
            case "honest" or "sign another history with the stolen key; a checkpoint was kept":
                break;
            case "honest, from a later hour on":
                RemoveHour(hours[0]);
                RemoveHour(hours[1]);
                break;
            case "edit a row in its file":
                await RewriteAsync(At(ExportNames.Rows(hours[0])), rows => [.. rows.Select(row => row.ChainSeq == 5 ? row with { Entry = row.Entry with { Decision = "deny" } } : row)]);
                break;
            case "edit a row and every hash and link after it":
                await RewriteAsync(At(ExportNames.Rows(hours[2])), rows => Relink(rows, "deny"));
                await TellManifestAsync(At(ExportNames.Manifest(hours[2])), At(ExportNames.Rows(hours[2])), (_, _) => { });
                break;
            case "drop a row and tell the manifest":
                await RewriteAsync(At(ExportNames.Rows(hours[2])), rows => [.. rows.Where(row => row.ChainSeq != 40)]);
                await TellManifestAsync(At(ExportNames.Manifest(hours[2])), At(ExportNames.Rows(hours[2])), (manifest, zone) =>
                {
                    manifest["events"] = manifest["events"]!.GetValue<long>() - 1;
                    zone["events"] = zone["events"]!.GetValue<long>() - 1;
                });
                break;
            case "repeat a row":
                await RewriteAsync(At(ExportNames.Rows(hours[2])), rows => [.. rows, rows[^1]]);
                break;
            case "swap two rows":
                await RewriteAsync(At(ExportNames.Rows(hours[0])), rows => [.. rows.OrderBy(row => row.ChainSeq == 7 ? 6.5 : row.ChainSeq == 6 ? 7.5 : row.ChainSeq + (row.Entry.ZoneId == "z1" ? 0 : 100))]);
                break;
            case "put a row of another zone in":
                await RewriteAsync(At(ExportNames.Rows(hours[2])), rows => [.. rows.Select(row => row.ChainSeq == 45 ? row with { Entry = row.Entry with { ZoneId = "stranger" } } : row), rows[3] with { ChainSeq = 51 }]);
                break;
            case "remove a file of rows":
                File.Delete(At(ExportNames.Rows(hours[0])));
                break;
            case "cut a file off":
                using (var file = File.OpenWrite(At(ExportNames.Rows(hours[0])))) file.SetLength(file.Length / 2);
                break;
            case "remove an hour":
                RemoveHour(hours[2]);
                break;
            case "remove an empty hour":
                RemoveHour(hours[1]);
                break;
            case "remove a note":
                File.Delete(At(ExportNames.ManifestNote(hours[1])));
                break;
            case "swap the files of two hours":
                (string first, string second) = (At(ExportNames.Rows(hours[0])), At(ExportNames.Rows(hours[2])));
                File.Move(first, first + ".x");
                File.Move(second, first);
                File.Move(first + ".x", second);
                break;
            case "take a checkpoint out of the manifest":
                await TellManifestAsync(At(ExportNames.Manifest(hours[0])), At(ExportNames.Rows(hours[0])), (_, zone) => zone.Remove("checkpoint"));
                break;
            case "add a file":
                File.Copy(At(ExportNames.Rows(hours[0])), At(ExportNames.Rows(hours[1])));
                break;
            case "spoil a manifest":
                await File.WriteAllTextAsync(At(ExportNames.Manifest(hours[2])), "{");
                break;
            case "remove everything":
                Directory.Delete(At("audit"), recursive: true);
                break;
            case "remove the last hour; a checkpoint was kept":
                RemoveHour(hours[3]);
                break;
            default:
                throw new ArgumentException(deed, nameof(deed));
        }

        void RemoveHour(DateTimeOffset hour)
        {
            foreach (var file in Directory.GetFiles(Path.GetDirectoryName(At(ExportNames.Manifest(hour)))!, Path.GetFileName(ExportNames.Rows(hour)).Replace(".parquet", ".*", StringComparison.Ordinal))) File.Delete(file);
        }
    }

    private static async Task RewriteAsync(string path, Func<List<LedgerRow>, IEnumerable<LedgerRow>> change)
    {
        var rows = new List<LedgerRow>();
        await using (var file = File.OpenRead(path))
        {
            await foreach (var row in LedgerFileReader.ReadAsync(file, default)) rows.Add(row);
        }

        await using var target = File.Create(path);
        await using var writer = await LedgerFileWriter.CreateAsync(target, default);
        foreach (var row in change(rows)) await writer.AddAsync(row, default);
        await writer.CompleteAsync(default);
    }

    private static List<LedgerRow> Relink(List<LedgerRow> rows, string decision)
    {
        var head = new ChainHead(rows[0].ChainSeq - 1, rows[0].PrevContentSha256 ?? "");
        return [.. rows.Select(row =>
        {
            var forged = LedgerHash.Link(row.Entry with { Decision = decision }, head, Vectors.Keys.Current, row.IngestedAt);
            head = forged.Head;
            return forged;
        })];
    }

    private static async Task TellManifestAsync(string path, string rows, Action<JsonObject, JsonObject> change)
    {
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        var bytes = await File.ReadAllBytesAsync(rows);
        manifest["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes));
        manifest["bytes"] = bytes.Length;
        change(manifest, manifest["zones"]!.AsArray()[0]!.AsObject());
        var last = new List<LedgerRow>();
        await using (var file = new MemoryStream(bytes))
        {
            await foreach (var row in LedgerFileReader.ReadAsync(file, default)) last.Add(row);
        }

        var zone = manifest["zones"]!.AsArray()[0]!.AsObject();
        zone["last_content_sha256"] = last.Last(row => row.Entry.ZoneId == zone["zone_id"]!.GetValue<string>()).ContentSha256;
        await File.WriteAllTextAsync(path, manifest.ToJsonString());
    }

    // Whoever has the host and every key signs what he likes; only what left before still speaks.
    private static async Task ForgeHistoryAsync(ExportedLedger ledger)
    {
        await ledger.Audit.TamperAsync("DELETE FROM audit_checkpoints");
        await ledger.Audit.TamperAsync("DELETE FROM audit_tree_nodes");
        var rows = Relink([.. await ledger.Audit.RowsAsync()], "allow");
        rows = Relink([.. rows.Take(4), .. rows.Skip(4).Select(row => row with { Entry = row.Entry with { RequestId = "forged" } })], "allow");
        foreach (var row in rows)
        {
            await ledger.Audit.TamperAsync($"UPDATE audit_events SET request_id = '{row.Entry.RequestId}', content_sha256 = '{row.ContentSha256}', prev_content_sha256 = {(row.PrevContentSha256 is null ? "NULL" : $"'{row.PrevContentSha256}'")}, chain_hmac = '{row.ChainHmac}' WHERE zone_id = 'z1' AND chain_seq = {row.ChainSeq}");
        }

        await ledger.Audit.TamperAsync($"UPDATE audit_chain_heads SET content_sha256 = '{rows[^1].ContentSha256}' WHERE zone_id = 'z1'");
        await ledger.Audit.CheckpointAsync();
    }
}
