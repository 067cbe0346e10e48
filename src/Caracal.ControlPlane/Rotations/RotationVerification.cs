using System.Diagnostics;
using Caracal.ControlPlane.AdminAudit;
using Caracal.Evidence.Events;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.AuditReads;
using Caracal.Storage.Platform;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary>
/// The checks of operations.md 4.7 that the API can make: through the front doors of the running services, with signed
/// canaries, and in the store. Whoever holds the files makes those that need a value (V8, V11).
/// </summary>
internal sealed class RotationVerification(Changes changes, ControlPlaneSettings settings, DatabaseClock clock, InstanceProbes probes)
{
    private const string SystemZone = "caracal.sys";
    private static readonly TimeSpan AuditLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RevocationLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SlotLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly MaterialChecks material = new(changes.Database, settings, clock, probes);

    /// <summary>Runs what applies to the class, in the order of the table.</summary>
    public async Task<IReadOnlyList<RotationCheck>> RunAsync(RotationRow rotation, CancellationToken cancellationToken)
    {
        var rotated = RotatableClass.Find(rotation.Class)!;
        var facts = await changes.Database.ReadAsync(RotationFacts.ReadAsync, cancellationToken);
        var addresses = facts.Reachable(clock.Now);
        var before = await probes.FiguresAsync(addresses, cancellationToken);
        var checks = new List<RotationCheck>();
        async Task MakeAsync(string id, Func<Task<(bool Ok, string Detail)>> check)
        {
            var start = Stopwatch.GetTimestamp();
            var (ok, detail) = await check();
            var took = Stopwatch.GetElapsedTime(start);
            checks.Add(new RotationCheck(id, ok, detail, (long)took.TotalMilliseconds));
            await probes.RestAsync(took, cancellationToken);
        }

        await MakeAsync("V1", () => ReadyAsync(addresses, cancellationToken));
        await MakeAsync("V2", () => SlotsAsync(rotation, rotated, cancellationToken));
        await MakeAsync("V3", () => AuditCanariesAsync(addresses, cancellationToken));
        await MakeAsync("V4", () => RevocationCanaryAsync(addresses, cancellationToken));
        if (settings.GatewayStsKeys is not null) await MakeAsync("V5", () => probes.PingAsync(addresses, settings.GatewayStsKeys, cancellationToken));
        await MakeAsync("V6", () => material.PublishedKeysAsync(rotation, addresses, cancellationToken));
        if (rotation.Class == KeyClass.ZoneKek) await MakeAsync("V7", () => material.SealedValuesAsync(addresses, cancellationToken));
        if (rotation.Class is KeyClass.AuditHmac or KeyClass.StreamsHmac) await MakeAsync("V9", () => OutboxAsync(rotation, cancellationToken));
        InstanceFigures? after = null;
        await MakeAsync("V10", async () => Compare(before.Failures, (after = await probes.FiguresAsync(addresses, cancellationToken)).Failures));
        await MakeAsync("V12", () => material.ConnectionsAsync(rotation, addresses, after!, cancellationToken));
        return checks;
    }

    private async Task<(bool, string)> ReadyAsync(IReadOnlyList<InstanceAddress> instances, CancellationToken cancellationToken)
    {
        for (var look = 0; look < 3; look++)
        {
            if (look > 0) await Task.Delay(settings.RotationProbeInterval, clock.Process, cancellationToken);
            if (await probes.FirstNotReadyAsync(instances, cancellationToken) is { } failing) return (false, failing);
        }

        return (true, $"{instances.Count} instances ready, three times");
    }

    // Files that changed a moment ago are read in a moment: waited for here, all the other checks need not be made again for it.
    private async Task<(bool, string)> SlotsAsync(RotationRow rotation, RotatableClass rotated, CancellationToken cancellationToken)
    {
        Gate gate = default;
        await UntilAsync(
            SlotLimit,
            async () =>
            {
                var readers = new Convergence(rotated, (await changes.Database.ReadAsync(RotationFacts.ReadAsync, cancellationToken)).Instances, clock.Now);
                gate = rotation.State == RotationState.Retired && rotation.FromSid is { } old
                    ? readers.NobodyHolds(old)
                    : readers.SignsWith(rotation.ToSid, rotation.FromSid);
                return gate.Ok;
            },
            cancellationToken);
        return (gate.Ok, gate.Detail);
    }

    // Signed as every producer signs, through the outbox and the stream, and then looked for where operators look.
    private async Task<(bool, string)> AuditCanaryAsync(CancellationToken cancellationToken)
    {
        var request = "ops-canary-" + Ids.New();
        await changes.Database.WriteAsync(
            WriteKind.Bookkeeping,
            work => changes.AnnounceAuditAsync(work, new AuditEvent
            {
                ZoneId = SystemZone,
                EventType = "ops_canary",
                RequestId = request,
                Decision = "allow",
                OccurredAt = clock.Now,
            }),
            cancellationToken);
        var found = await UntilAsync(
            AuditLimit,
            () => changes.Database.ReadAsync(
                async connection => (await AuditEventReads.ListByRequestAsync(connection, SystemZone, request)).Count > 0, cancellationToken),
            cancellationToken);
        return (found, found ? "a signed canary reached the ledger" : $"the canary {request} is not in the ledger after {AuditLimit.TotalSeconds:0} s");
    }

    // What is signed with a key nobody knows must become a dead letter; Audit itself sends it, because only it may remove one.
    private async Task<(bool, string)> AuditCanariesAsync(IReadOnlyList<InstanceAddress> instances, CancellationToken cancellationToken)
    {
        var (found, detail) = await AuditCanaryAsync(cancellationToken);
        if (!found || instances.FirstOrDefault(instance => instance.Service == "audit") is not { } audit) return (found, detail);
        return await probes.RefusesForgeryAsync(audit, cancellationToken)
            ? (true, $"{detail}, one with a wrong signature became a dead letter and was removed")
            : (false, $"{audit.Name} did not refuse an event with a wrong signature");
    }

    /// <summary>V4: a signed revocation of something that does not exist is known to every Gateway, and the group of the STS has handled it.</summary>
    internal async Task<(bool Ok, string Detail)> RevocationCanaryAsync(IReadOnlyList<InstanceAddress> instances, CancellationToken cancellationToken)
    {
        var gateways = instances.Where(instance => instance.Service == "gateway").ToList();
        var services = instances.Where(instance => instance.Service == "sts").ToList();
        if (gateways.Count == 0 && services.Count == 0) return (true, "no Gateway and no STS runs");
        var anchor = "canary-" + Guid.NewGuid();
        await changes.Database.WriteAsync(
            WriteKind.Bookkeeping,
            work => changes.AnnounceAsync(work, null, Topics.SessionsRevoke, ("zone_id", SystemZone), ("session_id", anchor), ("reason", "ops_canary")),
            cancellationToken);
        foreach (var gateway in gateways)
        {
            if (!await UntilAsync(RevocationLimit, () => probes.HoldsRevocationAsync(gateway, anchor, cancellationToken), cancellationToken))
            {
                return (false, $"{gateway.Name} does not know the canary after {RevocationLimit.TotalSeconds:0} s");
            }
        }

        // The group is shared: one of them handled it for all.
        if (services.Count > 0 && !await UntilAsync(RevocationLimit, () => probes.AnyAcknowledgedAsync(services, anchor, cancellationToken), cancellationToken))
        {
            return (false, $"no STS acknowledged the canary within {RevocationLimit.TotalSeconds:0} s");
        }

        return (true, $"{gateways.Count} Gateways know the canary, {services.Count} STS acknowledged it");
    }

    private async Task<(bool, string)> OutboxAsync(RotationRow rotation, CancellationToken cancellationToken)
    {
        var figures = await changes.Database.ReadAsync(connection => OutboxFigures.ReadAsync(connection, changes.Database.Dialect), cancellationToken);
        var old = rotation.RolledAt is { } rolled && (figures.OldestPending < rolled || figures.OldestDead < rolled);
        return (!old, $"{figures.Pending} pending, {figures.Dead} dead");
    }

    private static (bool, string) Compare(IReadOnlyDictionary<string, double> before, IReadOnlyDictionary<string, double> after)
    {
        var risen = after.Where(series => series.Value > before.GetValueOrDefault(series.Key, series.Value)).Select(series => series.Key).ToList();
        return (risen.Count == 0, risen.Count == 0 ? $"{after.Count} failure counters stood still" : $"rose: {string.Join(", ", risen)}");
    }

    private async Task<bool> UntilAsync(TimeSpan limit, Func<Task<bool>> holds, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(start) > limit) return false;
            await Task.Delay(Pause, clock.Process, cancellationToken);
        }

        return true;
    }
}
