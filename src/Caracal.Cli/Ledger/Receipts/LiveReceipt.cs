using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;
using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Ledger;
using Caracal.Evidence.Receipts;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Ledger.Receipts;

/// <summary>Proves a receipt against a running Audit service, which is believed nothing that the checkpoint key does not prove.</summary>
internal sealed class LiveReceipt : IDisposable
{
    // An event waits in its producer's journal while Audit or the stream is away.
    private static readonly TimeSpan OnItsWay = TimeSpan.FromMinutes(10);

    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }) { Timeout = TimeSpan.FromMinutes(1) };
    private readonly Uri address;
    private readonly CancellationToken stop;

    public LiveReceipt(CommandContext context)
    {
        address = ServiceUrls.Find("audit", context.Variables, StackRecord.Read(context.Paths.StackRecord));
        stop = context.Stop;
        var secrets = new SecretSource(LedgerKeys.WithSecrets(context).All, role: null, published: false);
        var token = secrets.Find(SecretFiles.AuditAdminToken)?.Value.Reveal()
            ?? throw new CommandFailure("AUDIT_ADMIN_TOKEN is required to ask the Audit service for proofs (or verify against an export: --export DIR)", exitCode: 2);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public void Dispose() => http.Dispose();

    public async Task<ReceiptOutcome> ProveAsync(Receipt receipt, CheckpointTrust trust)
    {
        var key = trust.Key!;
        var (status, text) = await GetAsync("inclusion", receipt, $"event_id={Uri.EscapeDataString(receipt.EventId)}&event=true");
        switch (status, text.TrimEnd())
        {
            case (404, "no such event"):
                return ReceiptOutcome.Missing(receipt, TimeProvider.System.GetUtcNow() - OnItsWay, "the ledger");
            case (404, "no such checkpoint"):
                return ReceiptOutcome.NotYet("the event is recorded, and no checkpoint covers it yet: one is signed within a minute (AUDIT_CHECKPOINT_SECONDS)");
            case (410, _):
                return new ReceiptOutcome("proof_gone", "the rows of the proof are no longer retained; an export still proves the event");
            case (200, _):
                break;
            default:
                throw new CommandFailure($"the Audit service at {address} answered {status}: {text.TrimEnd()}", exitCode: 2);
        }

        var proof = Read(text);
        if (proof.Refuse(receipt, key) is { } fault) return ReceiptOutcome.Of(fault);
        var tree = Checkpoint.Open(proof.Note, key, Checkpoint.OriginOf(key.Name, receipt.ZoneId))!;
        foreach (var kept in trust.Kept.Where(kept => kept.Origin == tree.Origin))
        {
            if (!await ContinuesAsync(receipt, kept, tree)) return new ReceiptOutcome("checkpoint_mismatch", $"the tree is not the continuation of the kept checkpoint of {kept.Size} events");
        }

        return ReceiptOutcome.Proven(proof.LeafIndex + 1, proof.TreeSize);
    }

    private async Task<bool> ContinuesAsync(Receipt receipt, Checkpoint kept, Checkpoint tree)
    {
        if (kept.Size > tree.Size) return false;
        var (status, text) = await GetAsync("consistency", receipt, $"from={kept.Size}&to={tree.Size}");
        if (status is not 200) throw new CommandFailure($"the Audit service at {address} answered {status}: {text.TrimEnd()}", exitCode: 2);
        return MerkleProofs.VerifyConsistency(kept.Size, tree.Size, kept.Root, tree.Root, Hashes(Document(text)));
    }

    private async Task<(int Status, string Text)> GetAsync(string proof, Receipt receipt, string query)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(address, $"/api/audit/proof/{proof}?zone_id={Uri.EscapeDataString(receipt.ZoneId)}&{query}"), stop);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(stop));
        }
        catch (HttpRequestException)
        {
            throw new CommandFailure($"the Audit service at {address} does not answer", exitCode: 2);
        }
    }

    private ReceiptProof Read(string text)
    {
        var document = Document(text);
        try
        {
            return new ReceiptProof
            {
                LeafIndex = document.GetProperty("leaf_index").GetInt64(),
                TreeSize = document.GetProperty("tree_size").GetInt64(),
                ContentSha256 = document.GetProperty("content_sha256").GetString() ?? "",
                Hashes = Hashes(document),
                Note = document.GetProperty("checkpoint").GetString() ?? "",
                Entry = document.TryGetProperty("event", out var found) ? IngestParser.Parse(Encoding.UTF8.GetBytes(found.GetRawText())) : null,
            };
        }
        catch (Exception fault) when (fault is KeyNotFoundException or InvalidOperationException or FormatException or JsonException)
        {
            throw Unreadable();
        }
    }

    private JsonElement Document(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw Unreadable();
        }
    }

    private static List<byte[]> Hashes(JsonElement document) => [.. document.GetProperty("hashes").EnumerateArray().Select(hash => hash.GetBytesFromBase64())];

    private CommandFailure Unreadable() => new($"the answer of the Audit service at {address} is no proof", exitCode: 2);
}
