using Caracal.Audit.DeadLetters;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Ingest;

/// <summary>Reads <c>caracal.audit.events</c> as one of the group <c>audit-ingestor</c> (audit.md 3): acknowledges what is stored, known or dead-lettered.</summary>
/// <param name="transport">The streams.</param>
/// <param name="state">Where deliveries are counted.</param>
/// <param name="ingester">Stores.</param>
/// <param name="deadLetters">Takes what was delivered too often.</param>
/// <param name="ledger">Tells a store that is down from one that refuses.</param>
/// <param name="settings">Limits and names.</param>
/// <param name="metrics">Counts.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where trouble is told.</param>
internal sealed class AuditConsumer(
    IStreamTransport transport, ISharedState state, AuditIngester ingester, DeadLetterQueue deadLetters, LedgerReader ledger,
    AuditSettings settings, AuditMetrics metrics, TimeProvider time, ILogger logger)
{
    public const string Group = "audit-ingestor";

    private const int BatchSize = 1000;
    private static readonly TimeSpan Block = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DeliveryMemory = TimeSpan.FromHours(24);

    /// <summary>False while a store is out of reach; <c>/ready</c> says so.</summary>
    public bool IsHealthy { get; private set; }

    /// <summary>Creates the group; producers may append before the loop runs.</summary>
    public Task CreateGroupAsync(CancellationToken cancellationToken) =>
        transport.EnsureGroupAsync(Topics.AuditEvents, Group, fromBeginning: true, shared: true, cancellationToken);

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var drained = false;
        var failed = false;
        var lastClaim = time.GetTimestamp();
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (!drained)
                {
                    await CreateGroupAsync(cancellationToken);
                    await ClaimAsync(TimeSpan.Zero, cancellationToken);
                    drained = true;
                }

                IsHealthy = true;
                if (failed)
                {
                    // What could not be stored is still ours: it comes again now, not when it has become stale.
                    await ClaimAsync(RetryDelay, cancellationToken);
                    failed = false;
                }
                else if (time.GetElapsedTime(lastClaim) >= settings.ClaimIdle)
                {
                    lastClaim = time.GetTimestamp();
                    await ClaimAsync(settings.ClaimIdle, cancellationToken);
                }

                await TakeAsync(
                    await transport.ReadAsync([Topics.AuditEvents], Group, settings.ConsumerName, BatchSize, Block, cancellationToken),
                    cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Also what nobody expects: a loop that ended would leave everything that follows in the stream.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                IsHealthy = false;
                failed = true;
                AuditLog.Unhealthy(logger, fault);
                await DelayAsync(cancellationToken);
            }
        }
    }

    private async Task ClaimAsync(TimeSpan idle, CancellationToken cancellationToken)
    {
        IReadOnlyList<StreamEntry> entries;
        do
        {
            entries = await transport.ClaimAsync(Topics.AuditEvents, Group, settings.ConsumerName, idle, BatchSize, cancellationToken);
            await TakeAsync(entries, cancellationToken);
        }
        while (entries.Count == BatchSize);
    }

    private async Task TakeAsync(IReadOnlyList<StreamEntry> entries, CancellationToken cancellationToken)
    {
        if (entries.Count == 0)
        {
            return;
        }

        try
        {
            await ingester.IngestAsync([.. entries.Select(Check)], cancellationToken);
        }
        catch (StorageUnavailableException fault)
        {
            metrics.Retries.Add(entries.Count);
            if (fault.RefusedThis) await GiveUpOnRepeatedAsync(entries, cancellationToken);
            throw;
        }

        // All at once: one after the other, the answers would cost more than the storing.
        await Task.WhenAll(entries.Select(entry => transport.AcknowledgeAsync(Topics.AuditEvents, Group, entry.Id, cancellationToken)));
    }

    // An outage must not dead-letter good events: a delivery counts only against a store that answers and takes others (audit.md 3).
    private async Task GiveUpOnRepeatedAsync(IReadOnlyList<StreamEntry> entries, CancellationToken cancellationToken)
    {
        await ledger.PingAsync(cancellationToken);
        foreach (var entry in entries)
        {
            var deliveries = await state.IncrementAsync($"audit-deliveries:{entry.Id}", DeliveryMemory, cancellationToken);
            if (deliveries < settings.MaximumDeliveries)
            {
                continue;
            }

            await deadLetters.WriteAsync(
                AuditFrame.From(entry), IngestReasons.TransientPrefix + "the store keeps refusing the event", null, cancellationToken);
            await transport.AcknowledgeAsync(Topics.AuditEvents, Group, entry.Id, cancellationToken);
        }
    }

    // A wrong stream signature never rejects evidence: the audit signature is the authority (streams.md 12).
    private AuditFrame Check(StreamEntry entry)
    {
        if (settings.StreamKeys is { } keys && entry.Value(StreamSignature.Field) is not null
            && StreamSignature.Verify(keys, entry.Topic, entry.Fields.ToArray(), out _) != StreamVerdict.Accepted)
        {
            metrics.StreamSignatureFailures.Add();
            AuditLog.StreamSignatureMismatch(logger, entry.Id);
        }

        return AuditFrame.From(entry);
    }

    private async Task DelayAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(RetryDelay, time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The loop sees the token itself.
        }
    }
}
