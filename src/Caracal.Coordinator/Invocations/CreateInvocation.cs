using Caracal.Authority.AgentServices;
using Caracal.Authority.Idempotency;
using Caracal.Authority.Invocations;
using Caracal.Authority.Leases;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Idempotency;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.AgentServices;
using Caracal.Storage.Invocations;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Invocations;

/// <summary><c>POST …/invocations</c>: the checks in the order of coordinator.md 9.</summary>
internal sealed class CreateInvocation(
    Changes changes, DatabaseClock clock, SessionStore sessions, AgentServiceStore services, InvocationStore invocations,
    Receipts receipts, InvocationLimit limit, InvocationMessages messages)
{
    public async Task<Reply> HandleAsync(Call call)
    {
        var (request, refused) = InvocationRequest.Read(call.Body);
        if (request is null)
        {
            return refused!;
        }

        if (request.Digest(call.Caller) is not { } digest)
        {
            return Reply.Invalid([new BodyIssue(["params"], "A number is out of range")]);
        }

        // Counted outside the transaction; the verdict is used inside it, after the replay.
        var limited = await limit.CheckAsync(call);
        return await changes.RunAsync(call, work => CreateAsync(work, call, request, digest, limited));
    }

    private async Task<Reply> CreateAsync(Work work, Call call, InvocationRequest request, byte[] digest, Refusal? limited)
    {
        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        if (await services.FindAsync(work.Connection, call.ZoneId, request.ServiceId) is not { } service)
        {
            return LeaseRefusals.ServiceNotFound;
        }

        var (source, isSourceLive) = await FindLiveAsync(work, call.ZoneId, request.SourceSessionId, now);
        var (_, isTargetLive) = await FindLiveAsync(work, call.ZoneId, request.TargetSessionId, now);
        if (!isSourceLive || !isTargetLive)
        {
            return SessionRefusals.SessionNotFound;
        }

        var invoker = source?.ApplicationId ?? service.ApplicationId;
        if (!call.Caller.MayInvokeFrom(invoker))
        {
            return InvocationRefusals.InvokerOwnershipRequired;
        }

        var keyed = new KeyedRequest
        {
            Operation = IdempotentOperation.InvocationCreate,
            ZoneId = call.ZoneId,
            ScopeId = invoker,
            Key = request.Key,
            RequestDigest = digest,
        };
        if (await receipts.BeginAsync(work, keyed, static _ => Task.FromResult(true), now) is { } replay)
        {
            return replay;
        }

        return limited is null ? await InsertAsync(work, call.ZoneId, request, service, keyed, now) : limited;
    }

    private async Task<Reply> InsertAsync(
        Work work, string zoneId, InvocationRequest request, AgentService service, KeyedRequest keyed, DateTimeOffset now)
    {
        var invocation = request.ToInvocation(zoneId, now) with { ServiceApplicationId = service.ApplicationId };
        await invocations.InsertAsync(work, invocation);
        await messages.AnnounceAsync(work, invocation, "invocation.created", now);
        var reply = Reply.Json(201, writer => InvocationJson.WriteRow(writer, invocation));
        await receipts.StoreAsync(work, keyed, "invocation", invocation.Id, reply, now);
        return reply;
    }

    // A Session that is not named is not in the way; services may be named as well as tasks (coordinator.md 19.10).
    private async Task<(Session? Session, bool IsFine)> FindLiveAsync(Work work, string zoneId, string? id, DateTimeOffset now)
    {
        var session = id is null ? null : await sessions.FindAsync(work.Connection, zoneId, id);
        return (session, id is null || (session is not null && SessionRules.IsLive(session, now)));
    }
}
