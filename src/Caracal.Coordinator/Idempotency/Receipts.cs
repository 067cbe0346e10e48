using System.Collections.Concurrent;
using System.Text;
using Caracal.Authority.Idempotency;
using Caracal.Coordinator.Requests;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Idempotency;

namespace Caracal.Coordinator.Idempotency;

/// <summary>The flow of a keyed creation inside its transaction: replay, conflict, limit, and the receipt at the end.</summary>
internal sealed class Receipts(CoordinatorSettings settings, ReceiptStore store, CoordinatorMetrics metrics)
{
    private const int DropBatch = 100;

    // Counting ten thousand rows with every start would cost more than the start: after a count this process knows how
    // many more fit, and asks again when those are used up.
    private const int MostUncounted = 100;
    private readonly ConcurrentDictionary<(string Operation, string ZoneId, string ScopeId), int> _spare = new();

    /// <summary>
    /// Holds the key's lock and looks for its receipt. Null means: go on and create. <paramref name="isLive"/> says
    /// whether what the receipt names still lives.
    /// </summary>
    public async Task<Reply?> BeginAsync(Work work, KeyedRequest request, Func<string, Task<bool>> isLive, DateTimeOffset now)
    {
        await work.LockAsync($"{request.Operation}:{request.ZoneId}:{request.ScopeId}:{IdempotencyDigest.LockName(request.Key)}");
        var digests = IdempotencyDigest.Candidates(settings.IdempotencyKeys, request.Key);
        if (await store.FindAsync(work, request.Operation, request.ZoneId, request.ScopeId, digests, now) is { } receipt)
        {
            var isResultLive = await isLive(receipt.ResourceId);
            var refusal = IdempotencyRules.CheckReplay(receipt, request.RequestDigest, isResultLive);
            Count(refusal);
            return refusal is null ? Reply.Replay(receipt.ResponseStatus, receipt.ResponseJson) : Reply.Refused(refusal);
        }

        return await HasRoomAsync(work, request, now) ? null : Reply.Refused(IdempotencyRefusals.ReceiptLimitExceeded);
    }

    /// <summary>Remembers what was created and answered, before the commit that creates it.</summary>
    public async Task StoreAsync(Work work, KeyedRequest request, string resourceType, string resourceId, Reply reply, DateTimeOffset now)
    {
        if (reply.Body.Length > IdempotencyRules.MaximumResponseBytes)
        {
            throw new InvalidOperationException("an answer is too large to be remembered");
        }

        await store.InsertAsync(work, new Receipt
        {
            Id = Ids.New(),
            Operation = request.Operation,
            ZoneId = request.ZoneId,
            ScopeId = request.ScopeId,
            KeyDigest = IdempotencyDigest.Of(settings.IdempotencyKeys, request.Key),
            RequestDigest = request.RequestDigest,
            ResourceType = resourceType,
            ResourceId = resourceId,
            ResponseStatus = reply.Status,
            ResponseJson = Encoding.UTF8.GetString(reply.Body),
            CreatedAt = now,
            ExpiresAt = now + (request.Generated ? settings.GeneratedReceiptRetention : settings.ReceiptRetention),
        });
        work.OnCommitted(() => metrics.IdempotencyCreated.Add());
    }

    // A full scope first gives up what protects nothing any more; one application may well run more block Sessions a day
    // than there are receipts (coordinator.md 10).
    private async Task<bool> HasRoomAsync(Work work, KeyedRequest request, DateTimeOffset now)
    {
        var scope = (request.Operation, request.ZoneId, request.ScopeId);
        if (_spare.TryGetValue(scope, out var spare) && spare > 0 && _spare.TryUpdate(scope, spare - 1, spare))
        {
            return true;
        }

        var live = await store.CountLiveAsync(work, request.Operation, request.ZoneId, request.ScopeId, now);
        if (live < settings.MaximumReceiptsPerScope)
        {
            _spare[scope] = (int)Math.Min(MostUncounted, settings.MaximumReceiptsPerScope - live) - 1;
            return true;
        }

        var dropped = request.Operation == IdempotentOperation.SessionStart
            ? await store.DropIdleStartsAsync(work, request.ZoneId, request.ScopeId, settings.GeneratedReceiptRetention, DropBatch)
            : await store.DropIdleDelegationsAsync(work, request.ZoneId, request.ScopeId, now, DropBatch);
        return dropped > 0;
    }

    private void Count(Refusal? refusal)
    {
        if (refusal is null)
        {
            metrics.IdempotencyReplayed.Add();
        }
        else if (ReferenceEquals(refusal, IdempotencyRefusals.KeyConflict))
        {
            metrics.IdempotencyConflicts.Add();
        }
        else
        {
            metrics.IdempotencyExpired.Add();
        }
    }
}
