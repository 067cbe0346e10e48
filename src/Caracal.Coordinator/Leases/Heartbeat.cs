using Caracal.Authority.AgentServices;
using Caracal.Authority.Leases;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.AgentServices;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.AgentServices;
using Caracal.Storage.Leases;

namespace Caracal.Coordinator.Leases;

/// <summary>
/// <c>POST …/agents/{id}/heartbeat</c>: the holder is still there (coordinator.md 6). A beat is one conditional row update
/// without a zone lock and without an audit row (19.8); only a beat that ends or suspends something takes the locks.
/// </summary>
internal sealed class Heartbeat(CoordinatorSettings settings, Changes changes, DatabaseClock clock, LeaseCalls calls, LeaseStore leases,
    AgentServiceStore services)
{
    public async Task<Reply> HandleAsync(Call call)
    {
        var body = new BodyReader(call.Body);
        var generation = body.Integer("lease_generation", 1, long.MaxValue);
        if (generation is null && body.IsValid)
        {
            body.AddIssue("Required", "lease_generation");
        }

        var beat = new Beat(
            generation ?? 0,
            body.Choice(
                "status", ServiceHealth.Healthy, ServiceHealth.Starting, ServiceHealth.Healthy, ServiceHealth.Degraded, ServiceHealth.Unhealthy),
            body.OptionalText("service_id"),
            body.Integer("active_invocations", 0, long.MaxValue) ?? 0,
            body.ObjectText("metadata"));
        return body.IsValid ? await changes.RunAsync(call, work => BeatAsync(work, call, beat)) : Reply.Invalid(body.Issues);
    }

    private async Task<Reply> BeatAsync(Work work, Call call, Beat beat)
    {
        var generation = beat.Generation;
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

        AgentService? service = null;
        if (beat.ServiceId is not null && (service = await TellAsync(work, session, beat, now)) is null)
        {
            return LeaseRefusals.ServiceNotFound;
        }

        var deadline = now + settings.LeaseTime;
        return await leases.RenewAsync(work, call.ZoneId, call.Id, generation, deadline, now)
            ? Answer(session, service, deadline, beat.ActiveInvocations, now)
            : LeaseRefusals.Fenced;
    }

    // The service's own row, which the whole beat stands or falls with; null when it is not this application's.
    private async Task<AgentService?> TellAsync(Work work, Session session, Beat beat, DateTimeOffset now)
    {
        var service = await services.FindAsync(work.Connection, session.ZoneId, beat.ServiceId!);
        if (service?.ApplicationId != session.ApplicationId)
        {
            return null;
        }

        var metadata = JsonMembers.Merge(service.MetadataJson, beat.MetadataJson);
        await services.BeatAsync(work, service.Id, beat.Health, metadata, now);
        return service with { Health = beat.Health, MetadataJson = metadata, LastHeartbeatAt = now };
    }

    private async Task<(Session? Session, LeaseDecision Decision, Reply? Refused)> DecideAsync(
        Work work, Call call, long generation, DateTimeOffset now)
    {
        var (session, refused) = await calls.FindAsync(work, call);
        return session is null
            ? (null, default, refused)
            : (session, LeaseRules.Heartbeat(session, generation, await calls.ReadAuthorityAsync(work, session, call.Caller, now), now), null);
    }

    private static Reply Answer(Session session, AgentService? service, DateTimeOffset deadline, long invocations, DateTimeOffset now) => Reply.Ok(writer =>
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
        writer.WritePropertyName("service"u8);
        if (service is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            AgentServiceJson.Write(writer, service);
        }

        writer.WriteNumber("active_invocations"u8, invocations);
        writer.WriteEndObject();
    });

    private sealed record Beat(long Generation, string Health, string? ServiceId, long ActiveInvocations, string MetadataJson);
}
