using System.Globalization;
using System.Text;
using Caracal.Audit.Ingest;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Streams;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.DeadLetters;

/// <summary><c>caracal.audit.events.dlq</c> (streams.md 7): evidence that could not be stored. It is never trimmed.</summary>
/// <param name="transport">The streams.</param>
/// <param name="streamKeys">Signs entries; null only in dev.</param>
/// <param name="auditKeys">Tells whether a refused signature has become valid.</param>
/// <param name="metrics">Counts.</param>
/// <param name="time">For <c>received_at</c>.</param>
/// <param name="logger">Every dead letter is an error line.</param>
internal sealed class DeadLetterQueue(
    IStreamTransport transport, HmacKeyRing? streamKeys, HmacKeyRing? auditKeys, AuditMetrics metrics, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(10);

    /// <summary>Writes one dead letter.</summary>
    /// <exception cref="DeadLetterFailedException">It is not written; the source must come again.</exception>
    public async Task WriteAsync(AuditFrame frame, string reason, LedgerEntry? entry, CancellationToken cancellationToken)
    {
        List<KeyValuePair<string, string>> fields =
        [
            new("reason", reason),
            new("src_id", frame.SourceId),
            new("received_at", time.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)),
        ];
        foreach (var (name, value) in frame.Fields ?? JournalFields(frame, entry))
        {
            // The frame's own id must not overwrite the source entry's (streams.md 7).
            fields.Add(new(name == "id" ? "src_event_id" : "src_" + name, value));
        }

        try
        {
            await transport.AppendAsync(
                Topics.AuditDeadLetters, StreamSignature.Seal(streamKeys, Topics.AuditDeadLetters, fields), null, cancellationToken);
        }
        catch (StreamsUnavailableException fault)
        {
            AuditLog.DeadLetterFailed(logger, fault, frame.SourceId);
            throw new DeadLetterFailedException(fault);
        }

        metrics.DeadLetters.Add();
        AuditLog.DeadLettered(logger, reason, entry?.Id, frame.SourceId);
    }

    /// <summary>Entries from <paramref name="afterId"/> on (exclusive), oldest first.</summary>
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(string? afterId, int limit, CancellationToken cancellationToken)
    {
        var entries = await transport.RangeAsync(Topics.AuditDeadLetters, afterId, limit, cancellationToken);
        return [.. entries.Select(entry => DeadLetter.From(entry, auditKeys))];
    }

    public Task<long> LengthAsync(CancellationToken cancellationToken) =>
        transport.LengthAsync(Topics.AuditDeadLetters, cancellationToken);

    /// <summary>Puts replayable entries back on the topic, at most <paramref name="limit"/> looked at (audit.md 10).</summary>
    public async Task<(int Scanned, int Replayed)> ReplayAsync(int limit, CancellationToken cancellationToken)
    {
        var letters = await ListAsync(null, limit, cancellationToken);
        var replayed = new List<(string LetterId, string EventId)>();
        foreach (var letter in letters.Where(letter => letter.Replayable))
        {
            List<KeyValuePair<string, string>> fields = [new("data", letter.SourceData!)];
            if (letter.SourceSignature is { } signature) fields.Add(new("sig", signature));
            if (letter.SourceKeyId is { } keyId) fields.Add(new("kid", keyId));
            replayed.Add((letter.Id, await transport.AppendAsync(Topics.AuditEvents, fields, null, cancellationToken)));
        }

        using var settling = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        settling.CancelAfter(SettleTime);
        foreach (var (letterId, eventId) in replayed)
        {
            // The letter is the only copy on disk until then.
            await SettledAsync(eventId, settling.Token, cancellationToken);
            await transport.DeleteAsync(Topics.AuditDeadLetters, letterId, cancellationToken);
        }

        return (letters.Count, replayed.Count);
    }

    private async Task SettledAsync(string eventId, CancellationToken limit, CancellationToken cancellationToken)
    {
        try
        {
            await transport.SettledAsync(Topics.AuditEvents, eventId, limit);
        }
        catch (OperationCanceledException fault) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StreamsUnavailableException("nobody stored the replayed event in time; its dead letter stays", fault);
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> JournalFields(AuditFrame frame, LedgerEntry? entry)
    {
        if (entry is not null) yield return new("id", entry.Id);
        if (!frame.Data.IsEmpty) yield return new("data", Encoding.UTF8.GetString(frame.Data.Span));
        if (frame.Signature is not null) yield return new("sig", frame.Signature);
        if (frame.KeyId is not null) yield return new("kid", frame.KeyId);
    }
}
