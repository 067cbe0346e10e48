using System.Text.Json;
using Caracal.Authority.AdminAccess;
using Caracal.Authority.PolicyShadows;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.PolicySets;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.ControlPlane.PolicyShadows;

/// <summary>
/// <c>POST …/policy-sets/{id}/versions/{versionId}/shadow</c> has a version asked beside the active set on live traffic,
/// <c>GET …/policy-shadow</c> says what it answers otherwise, <c>DELETE …/policy-shadow</c> ends it. A zone has one at a time.
/// </summary>
internal sealed class ShadowPolicySet(Database database, ISharedState state, ControlPlaneSettings settings)
{
    private const int ShortestSeconds = 60;
    private const int LongestSeconds = 604_800;
    private const int MostExamples = 20;
    private static readonly TimeSpan DefaultDuration = TimeSpan.FromDays(1);
    private static readonly string[] Changes = ["newly_allowed", "newly_denied", "newly_held", "no_longer_held"];

    public IReadOnlyList<Route> Routes(string zone) =>
    [
        new("POST", $"{zone}/policy-sets/{{id}}/versions/{{versionId}}/shadow", AdminNeed.Change, call => OrRefusedAsync(() => StartAsync(call))),
        new("GET", $"{zone}/policy-shadow", AdminNeed.Look, call => OrRefusedAsync(() => GetAsync(call))),
        new("DELETE", $"{zone}/policy-shadow", AdminNeed.Change, call => OrRefusedAsync(() => EndAsync(call))),
    ];

    private static async Task<Answer> OrRefusedAsync(Func<Task<Answer>> answer)
    {
        try
        {
            return await answer();
        }
        catch (StreamsUnavailableException)
        {
            return ControlPlaneErrors.RedisUnreachable;
        }
    }

    private async Task<Answer> StartAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidShadow);
        var duration = fields.Integer("duration_seconds", ShortestSeconds, LongestSeconds) ?? (long)DefaultDuration.TotalSeconds;
        var examples = fields.Integer("examples", 0, MostExamples) ?? 10;
        if (fields.Problem() is { } problem) return problem;
        var (found, refusal) = await Candidate.FindAsync(database, call, settings.CustomRego);
        if (found is null) return refusal!;
        if (await FindAsync(call) is { } running && running.IsRunningAt(call.Now)) return ControlPlaneErrors.ShadowInProgress;
        var order = new ShadowOrder
        {
            Id = Ids.New(),
            ZoneId = call.ZoneId,
            PolicySetId = found.Version.PolicySetId,
            VersionId = found.Version.Id,
            ManifestJson = found.Version.ManifestJson.Value,
            ManifestSha256 = found.Version.ManifestSha256,
            StartedAt = call.Now,
            EndsAt = call.Now.AddSeconds(duration),
            Examples = (int)examples,
        };
        await StoreAsync(order, call);
        return Answer.Accepted(JsonRows.Object(writer =>
        {
            writer.WriteString("shadow_id", order.Id);
            writer.WriteString("state", "running");
            writer.WriteString("status_url", $"/v1/zones/{call.ZoneId}/policy-shadow");
            writer.Time("ends_at", order.EndsAt);
        }));
    }

    private async Task<Answer> GetAsync(ApiCall call)
    {
        if (await FindAsync(call) is not { } order) return ControlPlaneErrors.ShadowNotFound;
        var sum = new ShadowReport();
        var reporters = 0;
        for (; reporters < ShadowOrder.MostReporters; reporters++)
        {
            if (await state.GetAsync(order.ReporterKey(reporters), call.Cancelled) is null) break;
            if (ShadowReport.TryRead(await state.GetAsync(order.ReportKey(reporters), call.Cancelled)) is { } report) sum = sum.With(report);
        }

        return Answer.Ok(JsonRows.Object(writer => Write(writer, order, sum, reporters, call.Now)));
    }

    // What was counted stays readable for a day.
    private async Task<Answer> EndAsync(ApiCall call)
    {
        if (await FindAsync(call) is not { } order) return ControlPlaneErrors.ShadowNotFound;
        if (order.IsRunningAt(call.Now)) await StoreAsync(order with { EndsAt = call.Now }, call);
        return Answer.NoContent;
    }

    private async Task<ShadowOrder?> FindAsync(ApiCall call) => ShadowOrder.TryRead(await state.GetAsync(ShadowOrder.KeyOf(call.ZoneId), call.Cancelled));

    private async Task StoreAsync(ShadowOrder order, ApiCall call) =>
        await state.SetAsync(ShadowOrder.KeyOf(call.ZoneId), order.ToJson(), order.LifetimeFrom(call.Now), call.Cancelled);

    private static void Write(Utf8JsonWriter writer, ShadowOrder order, ShadowReport sum, int reporters, DateTimeOffset now)
    {
        writer.WriteString("shadow_id", order.Id);
        writer.WriteString("state", order.IsRunningAt(now) ? "running" : "ended");
        writer.WriteString("zone_id", order.ZoneId);
        writer.WriteString("policy_set_id", order.PolicySetId);
        writer.WriteString("version_id", order.VersionId);
        writer.Time("started_at", order.StartedAt);
        writer.Time("ends_at", order.EndsAt);
        writer.WriteNumber("reporters", reporters);
        writer.WriteString("problem", sum.Problem);
        writer.WriteNumber("evaluated", sum.Evaluated);
        writer.WriteNumber("newly_allowed", sum.NewlyAllowed);
        writer.WriteNumber("newly_denied", sum.NewlyDenied);
        writer.WriteNumber("newly_held", sum.NewlyHeld);
        writer.WriteNumber("no_longer_held", sum.NoLongerHeld);
        writer.WriteNumber("unchanged", sum.Unchanged);
        writer.WriteNumber("errors", sum.Errors);
        writer.WriteNumber("dropped", sum.Dropped);
        writer.WriteStartObject("examples");
        foreach (var change in Changes)
        {
            writer.Rows(change, sum.Examples.Where(example => example.Change == change).OrderByDescending(example => example.OccurredAt).Take(order.Examples), WriteExample);
        }

        writer.WriteEndObject();
    }

    private static void WriteExample(Utf8JsonWriter writer, ShadowExample example)
    {
        writer.WriteString("request_id", example.RequestId);
        writer.Time("occurred_at", example.OccurredAt);
        writer.WriteString("decided", example.Decided);
        writer.WriteString("reason", example.Reason);
        writer.WriteString("principal_id", example.PrincipalId);
        writer.WriteString("resource", example.Resource);
        writer.Texts("requested_scopes", example.RequestedScopes);
        writer.WriteString("agent_session_id", example.AgentSessionId);
        writer.Texts("agent_labels", example.AgentLabels);
    }
}
