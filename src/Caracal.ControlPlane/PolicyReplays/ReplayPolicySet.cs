using Caracal.Authority.Policies;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.PolicySets;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.PolicySets;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.ControlPlane.PolicyReplays;

/// <summary>
/// <c>POST …/policy-sets/{id}/versions/{versionId}/replay</c>: what would change if this version had decided, and
/// <c>GET …/policy-replays/{id}</c>: how far that is.
/// </summary>
internal sealed class ReplayPolicySet(Database database, ISharedState state, ReplayRuns runs, ControlPlaneSettings settings)
{
    private const int MostDecisions = 100_000;
    private const int MostExamples = 50;
    private static readonly TimeSpan DefaultRange = TimeSpan.FromDays(7);

    public async Task<Answer> StartAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidReplay);
        var until = Time(fields, "until") ?? call.Now;
        var since = Time(fields, "since") ?? until - DefaultRange;
        var limit = fields.Integer("limit", 1, MostDecisions) ?? MostDecisions;
        var examples = fields.Integer("examples", 0, MostExamples) ?? 10;
        if (since >= until) fields.Note("since", "must lie before until");
        if (fields.Problem() is { } problem) return problem;
        var (found, refusal) = await Candidate.FindAsync(database, call, settings.CustomRego);
        if (found is null) return refusal!;
        var request = new ReplayRequest
        {
            Id = Ids.New(),
            ZoneId = call.ZoneId,
            PolicySetId = found.Version.PolicySetId,
            VersionId = found.Version.Id,
            Since = since,
            Until = until,
            Limit = (int)limit,
            Examples = (int)examples,
            StartedAt = call.Now,
        };
        try
        {
            if (!await runs.TryStartAsync(request, found.Compiled, call.Cancelled)) return ControlPlaneErrors.ReplayInProgress;
        }
        catch (StreamsUnavailableException)
        {
            return ControlPlaneErrors.RedisUnreachable;
        }

        return Answer.Accepted(JsonRows.Object(writer =>
        {
            writer.WriteString("replay_id", request.Id);
            writer.WriteString("state", "running");
            writer.WriteString("status_url", $"/v1/zones/{call.ZoneId}/policy-replays/{request.Id}");
        }));
    }

    public async Task<Answer> GetAsync(ApiCall call)
    {
        try
        {
            return await state.GetAsync(ReplayRuns.KeyOf(call.ZoneId, call.Id), call.Cancelled) is { } report
                ? Answer.Ok(writer => writer.WriteRawValue(report))
                : ControlPlaneErrors.ReplayNotFound;
        }
        catch (StreamsUnavailableException)
        {
            return ControlPlaneErrors.RedisUnreachable;
        }
    }

    private static DateTimeOffset? Time(Fields fields, string name)
    {
        if (fields.OptionalText(name, 1, 64) is not { } text) return null;
        if (Timestamps.TryParseUtc(text, secondsOptional: true, out var time)) return time;
        fields.Note(name, "must be a UTC time ending in Z");
        return null;
    }
}
