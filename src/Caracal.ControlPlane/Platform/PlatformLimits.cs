using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Platform;

namespace Caracal.ControlPlane.Platform;

/// <summary><c>GET|PUT /v1/audit-retention</c> and <c>GET|PUT /v1/mint-rate-limit</c> (api.md 11.9): stored values under a ceiling.</summary>
internal sealed class PlatformLimits(Changes changes, ControlPlaneSettings settings)
{
    public async Task<Answer> GetRetentionAsync(ApiCall call)
    {
        var stored = await changes.Database.ReadAsync(PlatformLimitStore.FindRetentionAsync, call.Cancelled);
        return Show("retention_days", "max_days", settings.AuditRetentionDays, stored);
    }

    public Task<Answer> SetRetentionAsync(ApiCall call) => SetAsync(
        call,
        ControlPlaneErrors.InvalidRetention,
        ControlPlaneErrors.RetentionAboveLimit,
        "retention_days",
        "max_days",
        settings.AuditRetentionDays,
        (work, value) => PlatformLimitStore.SetRetentionAsync(work, value, call.Caller.Actor, call.Now));

    public async Task<Answer> GetMintRateAsync(ApiCall call)
    {
        var stored = await changes.Database.ReadAsync(PlatformLimitStore.FindMintRateAsync, call.Cancelled);
        return Show("limit_per_minute", "max_per_minute", settings.MintRateLimit, stored);
    }

    public Task<Answer> SetMintRateAsync(ApiCall call) => SetAsync(
        call,
        ControlPlaneErrors.InvalidMintRateLimit,
        ControlPlaneErrors.RateLimitAboveCeiling,
        "limit_per_minute",
        "max_per_minute",
        settings.MintRateLimit,
        (work, value) => PlatformLimitStore.SetMintRateAsync(work, value, call.Caller.Actor, call.Now));

    private async Task<Answer> SetAsync(
        ApiCall call, Refusal invalid, Refusal above, string name, string ceilingName, int ceiling, Func<Work, long, Task> store)
    {
        var fields = call.Strict(invalid);
        var value = fields.Integer(name, 1, long.MaxValue);
        if (value is null && !fields.Has(name)) fields.Note(name, "is required");
        if (fields.Problem() is { } problem) return problem;
        if (value > ceiling) return above;
        return await changes.ApplyAsync(call, async work =>
        {
            await store(work, value!.Value);
            return Show(name, ceilingName, ceiling, new PlatformLimit { Value = value.Value, UpdatedBy = call.Caller.Actor, UpdatedAt = call.Now });
        });
    }

    // The effective value never exceeds the deployment's ceiling, even when that was lowered later.
    private static Answer Show(string name, string ceilingName, int ceiling, PlatformLimit? stored) => Answer.Ok(JsonRows.Object(writer =>
    {
        writer.WriteNumber(name, Math.Min(stored?.Value ?? ceiling, ceiling));
        writer.WriteNumber(ceilingName, ceiling);
        writer.WriteString("updated_by", stored?.UpdatedBy);
        writer.Time("updated_at", stored?.UpdatedAt);
    }));
}
