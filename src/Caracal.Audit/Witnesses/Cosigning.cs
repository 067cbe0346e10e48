using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Caracal.Audit.Checkpoints;
using Caracal.Audit.Feeds;
using Caracal.Evidence.Checkpoints;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Witnesses;

/// <summary>
/// Shows each zone's last checkpoint to the witnesses, with the proof that it continues what each of them saw before, and
/// keeps their cosignatures beside it. A witness that has seen more than there is tells of a ledger that was rolled back.
/// </summary>
/// <param name="store">Checkpoints, and what was said of them.</param>
/// <param name="witnesses">Who is asked.</param>
/// <param name="http">How.</param>
/// <param name="metrics">Counts.</param>
/// <param name="clock">Database time.</param>
/// <param name="logger">Refusals.</param>
internal sealed class Cosigning(
    CheckpointStore store, IReadOnlyList<Witness> witnesses, FeedHttp http, AuditMetrics metrics, DatabaseClock clock, ILogger logger)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Asks every witness for what it has not vouched for yet.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var (zone, _, size) in await store.HeadsAsync(cancellationToken))
        {
            foreach (var witness in witnesses)
            {
                if (size > 0) await AskAsync(zone, witness, cancellationToken);
            }
        }
    }

    private async Task AskAsync(string zone, Witness witness, CancellationToken cancellationToken)
    {
        var seen = await store.LastProofAsync(zone, CheckpointStore.Cosignature, witness.Key.Name, cancellationToken);
        if (await store.FindAsync(zone, null, cancellationToken) is not { } checkpoint || checkpoint.TreeSize <= seen) return;
        try
        {
            var (status, text) = await PostAsync(checkpoint, seen, witness, cancellationToken);
            if (status == HttpStatusCode.Conflict && ReadSize(text) is { } size && size != seen)
            {
                // It knows better than our records how far it has seen.
                if (size > checkpoint.TreeSize)
                {
                    metrics.CheckpointRefusals.Add();
                    AuditLog.CheckpointRefused(logger, zone, size, $"witness {witness.Key.Name} has cosigned {size} events, and there are {checkpoint.TreeSize}");
                    return;
                }

                (status, text) = await PostAsync(checkpoint, size, witness, cancellationToken);
            }

            if (status == HttpStatusCode.OK && Find(text, checkpoint.Note, witness.Key) is { } line)
            {
                await store.AppendProofAsync(zone, new CheckpointProof(CheckpointStore.Cosignature, witness.Key.Name, checkpoint.TreeSize, line), clock.Now, cancellationToken);
                metrics.Cosignatures.Add();
                return;
            }

            Fail(witness, status == HttpStatusCode.OK ? "its signature is not its own" : $"it answered {(int)status}", null);
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested && fault is HttpRequestException or OperationCanceledException or IOException or TreeIncompleteException)
        {
            Fail(witness, "it could not be asked", fault);
        }
    }

    private async Task<(HttpStatusCode Status, string Text)> PostAsync(StoredCheckpoint checkpoint, long seen, Witness witness, CancellationToken cancellationToken)
    {
        var proof = await new MerkleProver(new ZoneTree(store, checkpoint.ZoneId)).ConsistencyAsync(seen, checkpoint.TreeSize, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, witness.AddCheckpoint)
        {
            Content = new StringContent(Body(seen, proof, checkpoint.Note), Encoding.UTF8, new MediaTypeHeaderValue("text/plain")),
        };
        var (status, bytes) = await http.AskAsync(request, cancellationToken);
        return (status, Encoding.UTF8.GetString(bytes));
    }

    /// <summary>What is posted: the size that was seen, the proof from there, an empty line, the checkpoint.</summary>
    internal static string Body(long seen, IReadOnlyList<byte[]> proof, string note)
    {
        var body = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"old {seen}\n"));
        foreach (var hash in proof) body.Append(Convert.ToBase64String(hash)).Append('\n');
        return body.Append('\n').Append(note).ToString();
    }

    // The answer may have lines of other keys of the same witness.
    private static string? Find(string text, string note, NoteKey key)
    {
        var signed = SignedNote.Parse(note)!.Text;
        return text.Split('\n').Select(SignedNote.ParseLine).FirstOrDefault(
            line => line is not null && line.Name == key.Name && line.KeyId == key.Id && key.Verify(signed, line.Signature))?.Line;
    }

    private static long? ReadSize(string text) =>
        long.TryParse(text.TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null;

    private void Fail(Witness witness, string reason, Exception? fault)
    {
        metrics.CosignFailures.Add();
        AuditLog.CosignatureMissing(logger, fault, witness.Key.Name, reason);
    }
}
