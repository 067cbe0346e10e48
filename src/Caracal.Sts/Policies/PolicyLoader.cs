using Caracal.Authority.Policies;
using Caracal.Storage.TokenExchange;
using Microsoft.Extensions.Logging;

namespace Caracal.Sts.Policies;

/// <summary>Loads a zone's active set into a bundle, and keeps the one before when the new one cannot be used (sts.md 10.1).</summary>
internal sealed class PolicyLoader(
    ZoneConfigurationStore store, PolicyFigures figures, bool customAllowed, TimeProvider time, ILogger logger)
{
    /// <summary>
    /// The bundle for <paramref name="active"/>. <c>Complete</c> is false when an attempt failed and must be made again.
    /// A store that cannot be read throws.
    /// </summary>
    public async Task<(PolicyBundle Bundle, bool Complete)> LoadAsync(
        string zoneId, ActivePolicySet? active, PolicyBundle? previous, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (active is null)
        {
            var same = previous is { VersionId: null, ManifestSha: StoredManifest.NoActiveSet };
            return (same ? previous! : PolicyBundle.DenyAll(StoredManifest.NoActiveSet, null, null, StoredManifest.NoActiveSet, now), true);
        }

        // B8: the same manifest under a new version id is a new bundle, too.
        if (previous is { IsUsable: true } && previous.VersionId == active.VersionId && previous.ManifestSha == active.ManifestSha256)
        {
            return (previous, true);
        }

        var (bundle, error) = await CompileAsync(active, now, cancellationToken);
        if (bundle is not null)
        {
            PolicyLog.Recompiled(logger, zoneId, active.VersionId, active.ManifestSha256);
            return (bundle, true);
        }

        PolicyLog.LoadFailed(logger, zoneId, active.VersionId, error);
        return (previous is { IsUsable: true }
            ? previous
            : PolicyBundle.Failed(active.PolicySetId, active.VersionId, active.ManifestSha256, error, now), false);
    }

    /// <summary>The bundle of a set, active or not; the reason when it has none. A store that cannot be read throws.</summary>
    public async Task<(PolicyBundle? Bundle, string Error)> CompileAsync(
        ActivePolicySet active, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (StoredManifest.TryRead(active.ManifestJson, active.ManifestSha256) is not { } ids)
        {
            return (null, "the manifest does not match its hash");
        }

        var contents = await store.ReadPolicyContentsAsync(ids, cancellationToken);
        var policies = new List<(string, string)>(ids.Length);
        for (var i = 0; i < ids.Length; i++)
        {
            if (contents[i] is not { } content)
            {
                return (null, $"policy version {ids[i]} does not exist");
            }

            policies.Add((ids[i], content));
        }

        var started = time.GetTimestamp();
        var compiled = PolicyCompiler.Compile(policies, customAllowed);
        figures.Compiled(time.GetElapsedTime(started), compiled.Result is null);
        if (compiled.InvalidDocument is not null)
        {
            // A document that was valid once and is not now (another mode, another release) must not decide anything.
            return (PolicyBundle.DenyAll(
                "invalid_policy_document", active.PolicySetId, active.VersionId, active.ManifestSha256, now), "");
        }

        return compiled.Result is { } result
            ? (PolicyBundle.Compiled(
                active.PolicySetId, active.VersionId, active.ManifestSha256, result, compiled.Restrict, now, figures), "")
            : (null, compiled.Error!);
    }
}
