using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Outbox;

namespace Caracal.Streams.Relay;

/// <summary>
/// Moves committed outbox rows onto their streams, signed at that moment, at least once and in order (streams.md 8). It
/// wakes on the commit that enqueued a row, so a revocation does not wait for the poll.
/// </summary>
/// <param name="database">Whose notifications wake it.</param>
/// <param name="queue">The outbox.</param>
/// <param name="transport">Where to.</param>
/// <param name="keys">What signs; null publishes unsigned, which only dev mode allows.</param>
/// <param name="clock">Database time.</param>
/// <param name="maximumLength">Approximate bound of every topic but the audit one, which is never trimmed.</param>
public sealed class OutboxRelay(
    Database database, OutboxQueue queue, IStreamTransport transport, HmacKeyRing? keys, DatabaseClock clock, long maximumLength)
{
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(10);

    /// <summary>Called with (topic, row id, error) when a row could not be published.</summary>
    public Action<string, string, string>? Report { get; init; }

    /// <summary>Called with (topic, row id) when a row has had its last try.</summary>
    public Action<string, string>? GivenUp { get; init; }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var wake = new SemaphoreSlim(1);
        using var listening = database.Listen(queue.Channel, _ => Wake(wake));
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await wake.WaitAsync(queue.PollInterval, cancellationToken);
                while (await DispatchAsync(cancellationToken) > 0)
                {
                    // Until nothing is due.
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (StorageUnavailableException fault)
            {
                Report?.Invoke("", "", fault.Message);
            }
        }
    }

    /// <summary>Publishes one batch; returns how many rows were claimed.</summary>
    public async Task<int> DispatchAsync(CancellationToken cancellationToken)
    {
        var messages = await queue.ClaimAsync(clock.Now, cancellationToken);
        var published = new List<string>(messages.Count);
        var failed = new List<(OutboxMessage Message, Exception Fault)>();
        foreach (var message in messages)
        {
            try
            {
                await PublishAsync(message, cancellationToken);
                published.Add(message.Id);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                Report?.Invoke(message.Topic, message.Id, fault.Message);
                failed.Add((message, fault));
            }
        }

        if (published.Count > 0)
        {
            await queue.PublishedAsync(published, clock.Now, cancellationToken);
        }

        foreach (var (message, fault) in failed)
        {
            if (await queue.FailedAsync(message, fault.Message, fault is not StreamsUnavailableException, clock.Now, cancellationToken)) GivenUp?.Invoke(message.Topic, message.Id);
        }

        return messages.Count;
    }

    private async Task PublishAsync(OutboxMessage message, CancellationToken cancellationToken)
    {
        var unsigned = RelayEncoding.ToFields(message);
        long? length = message.Topic == Topics.AuditEvents ? null : maximumLength;

        // A resource server of somebody else holds one key: while two are around it gets what ends authority under each
        // (operations.md 4.6.4). Our own consumers verify both copies, and revoking twice is revoking.
        foreach (var previous in message.Topic is Topics.SessionsRevoke or Topics.DelegationsInvalidate ? keys?.Keys.Previous ?? [] : [])
        {
            await transport.AppendAsync(message.Topic, StreamSignature.Seal(previous, message.Topic, unsigned), length, cancellationToken);
        }

        var fields = StreamSignature.Seal(keys, message.Topic, unsigned);
        var id = await transport.AppendAsync(message.Topic, fields, length, cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(SettleTime);
        try
        {
            await transport.SettledAsync(message.Topic, id, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StreamsUnavailableException("no consumer took the message in time");
        }
    }

    private static void Wake(SemaphoreSlim wake)
    {
        try
        {
            wake.Release();
        }
        catch (ObjectDisposedException)
        {
            // The relay has stopped; its poll at the next start finds the row.
        }
    }
}
