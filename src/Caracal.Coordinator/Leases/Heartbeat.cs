using Caracal.Authority.Leases;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Leases;

namespace Caracal.Coordinator.Leases;

/// <summary>
/// <c>POST …/agents/{id}/heartbeat</c>: the holder is still there (coordinator.md 6). A beat is one conditional row update
/// without a zone lock and without an audit row (19.8); only a beat that ends or suspends something takes the locks.
/// </summary>
internal sealed class Heartbeat(CoordinatorSettings settings, Changes changes, DatabaseClock clock, LeaseCalls calls, LeaseStore leases)
{
    public async Task<Reply> HandleAsync(Call call)
    {
        var body = new BodyReader(call.Body);
        var generation = body.Integer("lease_generation", 1, long.MaxValue);
        if (generation is null && body.IsValid)
        {
            body.AddIssue("Required", "lease_generation");
        }

        body.Choice("status", "healthy", "starting", "healthy", "degraded", "unhealthy");
        var serviceId = body.OptionalText("service_id");
        var invocations = body.Integer("active_invocations", 0, long.MaxValue) ?? 0;
        body.ObjectText("metadata");
        return body.IsValid
            ? await changes.RunAsync(call, work => BeatAsync(work, call, generation!.Value, serviceId, invocations))
            : Reply.Invalid(body.Issues);
    }

    private async Task<Reply> BeatAsync(Work work, Call call, long generation, string? serviceId, long invocations)
    {
        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        var (session, decision, refused) = await DecideAsync(work, call, generation, now);
        if (decision.Effect is LeaseEffect.Suspend or LeaseEffect.Terminate)
        {
            // What was seen without the locks is looked at again with them.
            await ZoneLocks.BothAsync(work, call.ZoneId);
            (session, decision, refused) = await DecideAsync(work, call, generation, now);
        }

        if (session is null)
        {
            return refused!;
        }

        if (decision.Effect != LeaseEffect.Renew)
        {
            return await calls.RefuseAsync(work, session, decision, now);
        }

        // No registration of agent services is offered, so no service id can be one of this application's.
        if (serviceId is not null)
        {
            return LeaseRefusals.ServiceNotFound;
        }

        var deadline = now + settings.LeaseTime;
        return await leases.RenewAsync(work, call.ZoneId, call.Id, generation, deadline, now)
            ? Answer(session, deadline, invocations, now)
            : LeaseRefusals.Fenced;
    }

    private async Task<(Session? Session, LeaseDecision Decision, Reply? Refused)> DecideAsync(
        Work work, Call call, long generation, DateTimeOffset now)
    {
        var (session, refused) = await calls.FindAsync(work, call);
        return session is null
            ? (null, default, refused)
            : (session, LeaseRules.Heartbeat(session, generation, await calls.ReadAuthorityAsync(work, session, call.Caller, now), now), null);
    }

    private static Reply Answer(Session session, DateTimeOffset deadline, long invocations, DateTimeOffset now) => Reply.Ok(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("agent"u8);
        writer.WriteString("id"u8, session.Id);
        writer.WriteString("zone_id"u8, session.ZoneId);
        writer.WriteString("application_id"u8, session.ApplicationId);
        writer.WriteString("status"u8, session.Status);
        Paging.WriteTime(writer, "last_active_at", now);
        Paging.WriteTime(writer, "last_heartbeat_at", now);
        Paging.WriteTime(writer, "heartbeat_deadline_at", deadline);
        writer.WriteNumber("lease_generation"u8, session.LeaseGeneration);
        writer.WriteEndObject();
        writer.WriteNull("service"u8);
        writer.WriteNumber("active_invocations"u8, invocations);
        writer.WriteEndObject();
    });
}
