using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.Custody;

namespace Caracal.ControlPlane.Custody;

/// <summary><c>POST …/retire-secret</c>: ends the overlap of a rotated secret (operations.md 4.6.9).</summary>
internal static class RetireSecret
{
    private static readonly TimeSpan QuietTime = TimeSpan.FromMinutes(10);

    public static async Task<Answer> HandleAsync(ApiCall call, Changes changes, string owner, Refusal invalid, Func<Storage.Work, Task<bool>> exists, Refusal notFound)
    {
        var fields = call.Strict(invalid);
        var force = fields.Flag("force") ?? false;
        if (fields.Problem() is { } problem) return problem;
        return await changes.ApplyAsync(call, async work =>
        {
            if (!await exists(work)) return notFound;
            var live = await CredentialOverlapStore.ListLiveAsync(work.Connection, call.ZoneId, owner, call.Now);
            if (!force && live.Any(overlap => overlap.LastUsedAt > call.Now - QuietTime)) return ControlPlaneErrors.PreviousSecretInUse;
            await CredentialOverlapStore.RetireAllAsync(work, call.ZoneId, owner);
            return Answer.Ok(JsonRows.Object(writer => writer.WriteBoolean("retired", live.Count > 0)));
        });
    }
}
