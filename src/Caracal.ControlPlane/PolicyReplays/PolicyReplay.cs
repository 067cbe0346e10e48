using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.ControlPlane.PolicySets;
using Caracal.Rego;
using Caracal.Storage;
using Caracal.Storage.AuditReads;
using Caracal.Storage.Policies;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicyReplays;

/// <summary>
/// Asks a candidate the questions that the ledger recorded, page by page and on every core. Each question goes first to the
/// policy that decided it: only where that one gives its recorded answer again is the candidate's answer compared.
/// </summary>
internal sealed class PolicyReplay(Database database, ControlPlaneSettings settings)
{
    private const int PageSize = 5_000;
    private const int MostVersions = 32;

    [ThreadStatic]
    private static Explanation? s_explanation;

    /// <summary>Runs to the end; <paramref name="progress"/> is told after every page.</summary>
    public async Task RunAsync(ReplayReport report, CompiledSet candidate, Func<Task> progress, CancellationToken cancellationToken)
    {
        var request = report.Request;
        using var limit = database.RestrictTo(request.ZoneId);
        report.Total = await database.ReadAsync(
            connection => RecordedDecisions.CountAsync(connection, request.ZoneId, request.Since, request.Until, request.Limit), cancellationToken);
        var resources = (await database.ReadAsync(connection => RecordedDecisions.ResourcesAsync(connection, request.ZoneId), cancellationToken))
            .ToDictionary(resource => resource.Identifier, StringComparer.Ordinal);
        var versions = new Dictionary<string, CompiledSet?>(StringComparer.Ordinal);
        var before = long.MaxValue;
        for (var left = request.Limit; left > 0;)
        {
            var rows = await database.ReadAsync(
                connection => RecordedDecisions.PageAsync(connection, request.ZoneId, request.Since, request.Until, before, Math.Min(left, PageSize)),
                cancellationToken);
            if (rows.Count == 0) break;
            foreach (var version in rows.Select(row => row.PolicySetVersionId).OfType<string>().Distinct())
            {
                if (!versions.ContainsKey(version)) versions[version] = versions.Count < MostVersions ? await CompileAsync(request.ZoneId, version, cancellationToken) : null;
            }

            Parallel.ForEach(rows, new ParallelOptions { CancellationToken = cancellationToken }, row => Compare(report, candidate, versions, resources, row, cancellationToken));
            left -= rows.Count;
            before = rows[^1].ChainSeq;
            await progress();
        }
    }

    /// <summary>Compiles a version of a set; null when it is gone or no longer compiles.</summary>
    public Task<CompiledSet?> CompileAsync(string zoneId, string versionId, CancellationToken cancellationToken) => database.ReadAsync(
        async connection =>
        {
            if (await PolicySetStore.FindVersionOfZoneAsync(connection, zoneId, versionId) is not { } version) return null;
            var ids = PolicyBundle.IdsOf(version.ManifestJson);
            var rows = (await PolicyStore.FindVersionsAsync(connection, database.Dialect, ids)).ToDictionary(row => row.Id, StringComparer.Ordinal);
            if (!ids.All(rows.ContainsKey)) return null;
            var compiled = PolicyCompiler.Compile([.. ids.Select(id => (id, rows[id].Content))], settings.CustomRego);
            return compiled.Result is null ? null : compiled;
        },
        cancellationToken);

    private static void Compare(
        ReplayReport report,
        CompiledSet candidate,
        Dictionary<string, CompiledSet?> versions,
        Dictionary<string, KnownResource> resources,
        RecordedDecision row,
        CancellationToken cancellationToken)
    {
        using var metadata = JsonDocument.Parse(row.MetadataJson.Value);
        var identifier = metadata.RootElement.TryGetProperty("resource", out var named) ? named.GetString() ?? "" : "";
        var resource = resources.TryGetValue(identifier, out var known) ? (known.Id, (IReadOnlyList<string>)known.Scopes) : ((string, IReadOnlyList<string>)?)null;
        var (kept, problem) = Kept(metadata.RootElement, row.Input);
        if (problem is { } outcome)
        {
            report.Count(outcome, row, outcome == ReplayOutcome.NotKept ? "what policy saw is no longer kept" : "what is kept is not what policy saw");
            return;
        }

        var input = RecordedInput.Of(report.Request.ZoneId, metadata.RootElement, kept, resource);
        var (then, why) = Then(versions, row, input, cancellationToken);
        if (then is null)
        {
            report.Count(ReplayOutcome.Unreproducible, row, why);
            return;
        }

        var now = Decide(candidate, input, cancellationToken);

        // What the engine cannot decide is refused, as it would be at the STS.
        var decision = now.Decision ?? PolicyDecision.Deny(now.Error);
        report.Count(Judge(then, decision), row, decision.Reason ?? "");
    }

    // The event's hash vouches for what is kept beside the ledger. Events of earlier versions have neither.
    private static (JsonElement? Kept, ReplayOutcome? Problem) Kept(JsonElement metadata, string? input)
    {
        if (!metadata.TryGetProperty("policy_input_sha256", out var expected)) return (null, null);
        if (input is null) return (null, ReplayOutcome.NotKept);
        if (Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(input))) != expected.GetString()) return (null, ReplayOutcome.Unreproducible);
        using var document = JsonDocument.Parse(input);
        return (document.RootElement.Clone(), null);
    }

    private static (PolicyDecision? Decision, string Why) Then(
        Dictionary<string, CompiledSet?> versions, RecordedDecision row, RegoValue input, CancellationToken cancellationToken)
    {
        var allowed = row.Decision == "allow";

        // No set was active: everything was refused, whatever the question.
        if (row.PolicySetVersionId is null) return allowed ? (null, "allowed without an active policy set") : (PolicyDecision.Deny("no_active_policy_set"), "");
        if (versions[row.PolicySetVersionId] is not { } compiled) return (null, "the version that decided cannot be evaluated");
        return Decide(compiled, input, cancellationToken).Decision is { } decision && decision.Allowed == allowed
            ? (decision, "")
            : (null, "the version that decided gives another answer to the rebuilt input");
    }

    private static ReplayOutcome Judge(PolicyDecision then, PolicyDecision now) => PolicyChanges.Between(then, now) switch
    {
        PolicyChange.NewlyAllowed => ReplayOutcome.NewlyAllowed,
        PolicyChange.NewlyDenied => ReplayOutcome.NewlyDenied,
        PolicyChange.NewlyHeld => ReplayOutcome.NewlyHeld,
        PolicyChange.NoLongerHeld => ReplayOutcome.NoLongerHeld,
        _ => ReplayOutcome.Unchanged,
    };

    private static PolicyEvaluation Decide(CompiledSet compiled, RegoValue input, CancellationToken cancellationToken)
    {
        var explanation = s_explanation ??= new Explanation();
        var evaluation = PolicyEvaluation.Of(compiled.Result!, compiled.Restrict, input, explanation, cancellationToken);
        explanation.Clear();
        return evaluation;
    }
}
