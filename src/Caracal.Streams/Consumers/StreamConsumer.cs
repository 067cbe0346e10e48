using System.Text;
using System.Text.Json;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Streams.State;

namespace Caracal.Streams.Consumers;

/// <summary>
/// Reads a group for as long as it runs: checks each message's signature, hands it to the handler, acknowledges it, and
/// dead-letters what is forged at once and what keeps failing after its tries (streams.md 6, 7).
/// </summary>
/// <param name="transport">The streams.</param>
/// <param name="state">Where failure counts live.</param>
/// <param name="subscription">What to read.</param>
/// <param name="handler">Must be idempotent: delivery is at least once. Throws to have the message tried again.</param>
/// <param name="time">The clock.</param>
public sealed class StreamConsumer(
    IStreamTransport transport, ISharedState state, StreamSubscription subscription,
    Func<StreamEntry, CancellationToken, Task> handler, TimeProvider time)
{
    private const long DeadLetterLength = 10_000;
    private static readonly TimeSpan FailureMemory = TimeSpan.FromHours(24);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>What happened so far, for metrics.</summary>
    public StreamConsumerFigures Figures { get; } = new();

    /// <summary>True once every group exists.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Called with (topic, entry id, error) for what is worth a log line; set before <see cref="RunAsync"/>.</summary>
    public Action<string, string, string>? Report { get; init; }

    /// <summary>Creates the groups. Call it before the state that the messages keep fresh is first read.</summary>
    public async Task CreateGroupsAsync(CancellationToken cancellationToken)
    {
        foreach (var topic in subscription.Topics)
        {
            await transport.EnsureGroupAsync(topic, subscription.Group, fromBeginning: false, subscription.Shared, cancellationToken);
        }

        IsReady = true;
    }

    /// <summary>Reads until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var lastClaim = time.GetTimestamp();
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (!IsReady)
                {
                    await CreateGroupsAsync(cancellationToken);
                }

                if (time.GetElapsedTime(lastClaim) >= subscription.ClaimIdle)
                {
                    lastClaim = time.GetTimestamp();
                    await ReclaimAsync(cancellationToken);
                }

                var entries = await transport.ReadAsync(
                    subscription.Topics, subscription.Group, subscription.Consumer, subscription.BatchSize,
                    subscription.Block, cancellationToken);
                foreach (var entry in entries)
                {
                    await ProcessAsync(entry, cancellationToken);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (StreamsUnavailableException fault)
            {
                Report?.Invoke(subscription.Topics[0], "", fault.Message);
                await DelayAsync(cancellationToken);
            }
        }
    }

    /// <summary>One message from signature to acknowledgement.</summary>
    public async Task ProcessAsync(StreamEntry entry, CancellationToken cancellationToken)
    {
        if (subscription.Keys is { } keys
            && StreamSignature.Verify(keys, entry.Topic, entry.Fields.ToArray(), out _) != StreamVerdict.Accepted)
        {
            Figures.CountInvalidSignature();
            Report?.Invoke(entry.Topic, entry.Id, "stream_signature_invalid");
            await DeadLetterAsync(entry, "invalid_signature", cancellationToken);
            return;
        }

        try
        {
            await handler(entry, cancellationToken);
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            await FailAsync(entry, fault, cancellationToken);
            return;
        }

        await transport.AcknowledgeAsync(entry.Topic, subscription.Group, entry.Id, cancellationToken);
        Figures.CountProcessed();
    }

    private async Task FailAsync(StreamEntry entry, Exception fault, CancellationToken cancellationToken)
    {
        var key = $"stream-failure:{entry.Topic}:{subscription.Group}:{entry.Id}";
        var failures = await state.IncrementAsync(key, FailureMemory, cancellationToken);
        Report?.Invoke(entry.Topic, entry.Id, fault.Message);
        if (failures >= subscription.MaximumFailures)
        {
            await DeadLetterAsync(entry, fault.Message, cancellationToken);
            await state.DeleteAsync(key, cancellationToken);
        }
    }

    // Acknowledged only after the dead letter is written: a failed write leaves the message pending.
    private async Task DeadLetterAsync(StreamEntry entry, string error, CancellationToken cancellationToken)
    {
        var dead = Topics.Dead(entry.Topic);
        KeyValuePair<string, string>[] fields =
        [
            new("original_id", entry.Id), new("error", error), new("values", ToJson(entry)),
        ];
        await transport.AppendAsync(dead, StreamSignature.Seal(subscription.Keys, dead, fields), DeadLetterLength, cancellationToken);
        await transport.AcknowledgeAsync(entry.Topic, subscription.Group, entry.Id, cancellationToken);
        Figures.CountDeadLetter();
    }

    private async Task ReclaimAsync(CancellationToken cancellationToken)
    {
        foreach (var topic in subscription.Topics)
        {
            var entries = await transport.ClaimAsync(
                topic, subscription.Group, subscription.Consumer, subscription.ClaimIdle, 25, cancellationToken);
            foreach (var entry in entries)
            {
                Figures.CountReplayed();
                await ProcessAsync(entry, cancellationToken);
            }
        }
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

    private static string ToJson(StreamEntry entry)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in entry.Fields.OrderBy(f => f.Key, StringComparer.Ordinal))
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
