using Caracal.Authority.Delegations;
using Caracal.Coordinator.Requests;
using Caracal.Coordinator.Sessions;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Delegations;

namespace Caracal.Coordinator.Delegations;

/// <summary><c>PATCH …/delegations/{id}/revoke</c>: ends the edge and all that came of it (coordinator.md 8); the body is ignored.</summary>
internal sealed class RevokeDelegation(Changes changes, DatabaseClock clock, DelegationStore delegations, SessionEnding ending)
{
    public Task<Reply> HandleAsync(Call call) => changes.RunAsync(call, async work =>
    {
        await ZoneLocks.BothAsync(work, call.ZoneId);
        if (await delegations.FindAsync(work.Connection, call.ZoneId, call.Id) is not { Status: DelegationStatus.Active } edge)
        {
            return DelegationRefusals.NotFound;
        }

        if (!call.Caller.IsAdmin && !call.Caller.MayDelegateFrom(edge.IssuerApplicationId))
        {
            return DelegationRefusals.IssuerOwnershipRequired;
        }

        var ended = await ending.RevokeAsync(work, edge, Timestamps.TruncateToMicroseconds(clock.Now));
        return Reply.Ok(writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("revoked_edges"u8, ended.Edges.Count);
            writer.WriteNumber("affected_sessions"u8, AnchorsOf(ended));
            writer.WriteNumber("terminated_sessions"u8, ended.Sessions.Count);
            writer.WriteEndObject();
        });
    });

    private static int AnchorsOf(Ended ended) =>
        ended.Sessions.Select(end => end.Session.SubjectAuthorityRecordId).Distinct(StringComparer.Ordinal).Count();
}
