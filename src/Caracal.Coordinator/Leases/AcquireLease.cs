using Caracal.Authority.Leases;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Leases;

namespace Caracal.Coordinator.Leases;

/// <summary><c>POST …/agents/{id}/lease</c>: a new holder takes a service Session over and fences the old one (coordinator.md 6).</summary>
internal sealed class AcquireLease(CoordinatorSettings settings, Changes changes, DatabaseClock clock, LeaseCalls calls, LeaseStore leases)
{
    public Task<Reply> HandleAsync(Call call) => changes.RunAsync(call, async work =>
    {
        await ZoneLocks.BothAsync(work, call.ZoneId);
        var (session, refused) = await calls.FindAsync(work, call);
        if (session is null)
        {
            return refused!;
        }

        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        var decision = LeaseRules.Acquire(session, await calls.ReadAuthorityAsync(work, session, call.Caller, now), now);
        if (decision.Effect != LeaseEffect.Renew)
        {
            return await calls.RefuseAsync(work, session, decision, now);
        }

        var deadline = now + settings.LeaseTime;
        return await leases.AcquireAsync(work, call.ZoneId, call.Id, deadline, now) is { } generation
            ? Answer(session.Status, deadline, generation)
            : LeaseRefusals.NotLive;
    });

    private static Reply Answer(string status, DateTimeOffset deadline, long generation) => Reply.Ok(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("status"u8, status);
        Paging.WriteTime(writer, "heartbeat_deadline_at", deadline);
        writer.WriteNumber("lease_generation"u8, generation);
        writer.WriteEndObject();
    });
}
