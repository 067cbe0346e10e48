using Caracal.Coordinator.AdminAudit;
using Caracal.Storage;

namespace Caracal.Coordinator.Requests;

/// <summary>
/// Runs the change of a call: the rows, their messages and the admin audit row commit together or not at all
/// (README ruling 23). A refusal rolls back what was done before it, unless it says that its changes stay.
/// </summary>
internal sealed class Changes(Database database, AdminAuditTrail trail)
{
    public async Task<Reply> RunAsync(Call call, Func<Work, Task<Reply>> body)
    {
        var audited = false;
        var reply = await database.WriteAsync(
            async work =>
            {
                var answer = await body(work);
                audited = answer.Succeeded && !call.Route.Unaudited;
                if (audited)
                {
                    await trail.RecordAsync(work, call, answer.Status);
                }
                else if (!answer.Succeeded && !answer.KeepsChanges)
                {
                    work.Discard();
                }

                return answer;
            },
            call.Aborted);
        call.Audited = audited;
        return reply;
    }
}
