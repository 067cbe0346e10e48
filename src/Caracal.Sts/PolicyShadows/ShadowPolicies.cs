using System.Collections.Concurrent;
using System.Threading.Channels;
using Caracal.Authority.Policies;
using Caracal.Authority.PolicyShadows;
using Caracal.Hosting.Logging;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.TokenExchange;
using Caracal.Streams;
using Caracal.Streams.State;
using Caracal.Sts.Policies;
using Microsoft.Extensions.Logging;

namespace Caracal.Sts.PolicyShadows;

/// <summary>
/// Puts live questions to a zone's candidate after they have been answered. It decides nothing and nobody waits for it: questions
/// go through a bounded queue to one worker, and what the queue cannot take is counted and left out.
/// </summary>
internal sealed class ShadowPolicies(PolicyLoader policies, ISharedState state, ISharedLeases leases, DatabaseClock clock, ILogger logger)
{
    /// <summary>Questions that may wait.</summary>
    public const int QueueLength = 4_096;

    /// <summary>How soon a start or an end is noticed by an instance that decides for the zone.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    /// <summary>How often counts are reported.</summary>
    public static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(1);

    private readonly Channel<ShadowQuestion> _queue = Channel.CreateBounded<ShadowQuestion>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    private readonly ConcurrentDictionary<string, ShadowedZone> _zones = new(StringComparer.Ordinal);
    private readonly string _instance = Ids.New();

    public ShadowFigures Figures { get; } = new();

    /// <summary>Whether to remember the questions of a request of this zone. Costs one look into a dictionary.</summary>
    public bool Wants(string zoneId)
    {
        var now = clock.Now;
        var zone = _zones.GetOrAdd(zoneId, static _ => new ShadowedZone());
        return zone.ClaimLook(now, LookInterval) || zone.ShadowAt(now) is not null;
    }

    /// <summary>Hands over the questions of an answered request. Returns at once.</summary>
    public void Ask(IReadOnlyList<ShadowQuestion> questions)
    {
        foreach (var question in questions)
        {
            if (!_queue.Writer.TryWrite(question) && _zones.TryGetValue(question.Request.ZoneId, out var zone) && zone.ShadowAt(question.At) is { } shadow)
            {
                shadow.CountDropped();
                Figures.QuestionDropped();
            }
        }
    }

    /// <summary>The worker; ends with the token.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        await foreach (var question in _queue.Reader.ReadAllAsync(stopping))
        {
            try
            {
                await PutAsync(question, stopping);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                // The next look tries again; a worker that ends would silently end every shadow.
                ServiceLog.JobFailed(logger, fault, "sts.policy-shadow");
            }
        }
    }

    /// <summary>Stores what changed since the last time, where the control plane reads it.</summary>
    public async Task ReportAsync(CancellationToken cancellationToken)
    {
        foreach (var zone in _zones.Values)
        {
            if (zone.Shadow is { } shadow)
            {
                await ReportAsync(shadow, cancellationToken);
            }
        }
    }

    /// <summary>The last report of an instance that stops. Nothing but counts is lost when it cannot be stored.</summary>
    public async Task ReportLastAsync()
    {
        try
        {
            await ReportAsync(CancellationToken.None);
        }
        catch (StreamsUnavailableException)
        {
            // Nobody can read the report either.
        }
    }

    private async Task ReportAsync(RunningShadow shadow, CancellationToken cancellationToken)
    {
        if (shadow.TakeReport() is not { } report)
        {
            return;
        }

        try
        {
            await state.SetAsync(report.Key, report.Report, shadow.Order.LifetimeFrom(clock.Now), cancellationToken);
        }
        catch
        {
            shadow.OweReport();
            throw;
        }
    }

    private async Task PutAsync(ShadowQuestion question, CancellationToken cancellationToken)
    {
        if (!_zones.TryGetValue(question.Request.ZoneId, out var zone))
        {
            return;
        }

        if (zone.TakeLook())
        {
            await LookAsync(zone, question.Request.ZoneId, cancellationToken);
        }

        if (zone.ShadowAt(clock.Now) is not { } shadow || question.At < shadow.Order.StartedAt)
        {
            return;
        }

        var evaluation = shadow.Candidate!.Evaluate(question.Request, question.Resource, cancellationToken);

        // What the engine cannot decide would be refused.
        var answer = evaluation.Decision ?? PolicyDecision.Deny(evaluation.Error);
        var change = PolicyChanges.Between(question.Decided, answer);
        var failed = evaluation.Decision is null;
        Figures.Compared(change, failed);
        shadow.Count(change, question, answer, failed);
    }

    private async Task LookAsync(ShadowedZone zone, string zoneId, CancellationToken cancellationToken)
    {
        var now = clock.Now;
        var order = ShadowOrder.TryRead(await state.GetAsync(ShadowOrder.KeyOf(zoneId), cancellationToken));
        var wanted = order is not null && order.ZoneId == zoneId && order.IsRunningAt(now) ? order : null;
        if (zone.Shadow?.Order.Id == wanted?.Id)
        {
            return;
        }

        if (zone.Shadow is { } before)
        {
            await ReportAsync(before, cancellationToken);
        }

        zone.Shadow = wanted is null ? null : await BeginAsync(wanted, now, cancellationToken);
    }

    private async Task<RunningShadow?> BeginAsync(ShadowOrder order, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var set = new ActivePolicySet(order.PolicySetId, order.VersionId, order.ManifestJson, order.ManifestSha256);
        var (bundle, error) = await policies.CompileAsync(set, now, cancellationToken);
        for (var number = 0; number < ShadowOrder.MostReporters; number++)
        {
            if (await leases.TryLeaseAsync(order.ReporterKey(number), _instance, order.LifetimeFrom(now), cancellationToken))
            {
                return new RunningShadow(order, bundle, bundle is null ? error : null, number);
            }
        }

        return null;
    }
}
