using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Protocol;
using Caracal.Storage;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Control;

/// <summary>
/// <c>POST /internal/selftest/control</c> (operations.md 5.2, H-ENF-3): spends a token id that no token has, twice, in the memory
/// that real ones are spent in; the second time must be refused. With the metrics bearer; to others it is not there.
/// </summary>
internal sealed class SelfTestControl(ControlSettings settings, ControlLimits limits, MetricsAccess access, DatabaseClock clock)
{
    public const string Path = "/internal/selftest/control";

    private static readonly Refusal NotFound = new(404, "not_found");

    // A subject that no token names, so that nobody's bucket is emptied.
    private static readonly ControlSubject Nobody = new("caracal.sys", "selftest", "", "", new HashSet<string>(StringComparer.Ordinal), default);

    public async Task HandleAsync(HttpContext context)
    {
        if (!access.Allows(context.Request))
        {
            await ErrorBody.WriteAsync(context, NotFound);
            return;
        }

        var name = "selftest-" + Ids.New();
        var canary = Nobody with { Subject = name, Jti = name, Expires = clock.Now.AddSeconds(Math.Min(60, settings.ReplayMemory.TotalSeconds)) };
        var first = await limits.SpendAsync(canary, clock.Now, context.RequestAborted);
        var second = await limits.SpendAsync(canary, clock.Now, context.RequestAborted);
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("gate_open"u8, settings.GateFile is { } gate && File.Exists(gate));
            writer.WriteBoolean("replay_refused"u8, first is null && second is { Code: "token_replay" });
            writer.WriteString("spent"u8, first?.Code ?? "accepted");
            writer.WriteString("spent_again"u8, second?.Code ?? "accepted");
            writer.WriteEndObject();
        });
    }
}
