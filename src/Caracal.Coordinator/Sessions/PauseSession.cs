using Caracal.Authority.Sessions;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Sessions;

/// <summary><c>PATCH …/agents/{id}/suspend</c> and <c>/resume</c>; the body is ignored (coordinator.md 5).</summary>
internal sealed class PauseSession(Changes changes, DatabaseClock clock, SessionStore sessions, SessionPausing pausing)
{
    public Task<Reply> SuspendAsync(Call call) => changes.RunAsync(call, async work =>
    {
        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        return await RefuseAsync(work, call) is { } refusal
            ? refusal
            : await AnswerAsync(
                work, call, "suspended", await pausing.SuspendAsync(work, call.ZoneId, call.Id, EndReason.Requested, now),
                SessionRefusals.NotActive);
    });

    public Task<Reply> ResumeAsync(Call call) => changes.RunAsync(call, async work =>
    {
        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        return await RefuseAsync(work, call) is { } refusal
            ? refusal
            : await AnswerAsync(
                work, call, "resumed", await pausing.ResumeAsync(work, call.ZoneId, call.Id, now), SessionRefusals.NotSuspended);
    });

    private async Task<Refusal?> RefuseAsync(Work work, Call call)
    {
        await ZoneLocks.SessionsAsync(work, call.ZoneId);
        return await sessions.FindAsync(work.Connection, call.ZoneId, call.Id) switch
        {
            null => SessionRefusals.SessionNotFound,
            var session when !call.Caller.MayManage(session.ApplicationId) => SessionRefusals.ApplicationOwnershipRequired,
            _ => null,
        };
    }

    // The count the clients read, and the Session itself for consoles that parse the reply as one.
    private async Task<Reply> AnswerAsync(Work work, Call call, string count, IReadOnlyList<Session> changed, Refusal whenNone)
    {
        if (changed.Count == 0)
        {
            return whenNone;
        }

        var session = await sessions.FindAsync(work.Connection, call.ZoneId, call.Id);
        return Reply.Ok(writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber(count, changed.Count);
            SessionJson.WriteMembers(writer, session!);
            writer.WriteEndObject();
        });
    }
}
