using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Caracal.Keys.Rotation;
using Caracal.Storage;
using Caracal.Storage.Instances;
using Caracal.Storage.Reencryption;
using Caracal.Storage.Rotations;
using Caracal.Storage.ZoneKeys;

namespace Caracal.ControlPlane.Rotations;

/// <summary>The checks of operations.md 4.7 that look at what keys protect: published keys, sealed values, open connections.</summary>
internal sealed class MaterialChecks(Database database, ControlPlaneSettings settings, DatabaseClock clock, InstanceProbes probes)
{
    private const int MostZones = 100;
    private const int Sample = 100;

    // What a pool may do by itself: a few connections more or less mean nothing.
    private const long Slack = 10;
    private const double FullPool = 0.9;
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Drained = TimeSpan.FromSeconds(35);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    private readonly KeySamples samples = new(database, probes, clock.Process);

    /// <summary>
    /// V6: every STS publishes exactly the keys the store says are published, for every zone of a sample, and verifies with each
    /// what it signed: with the key before, the one that signs and the next. What zones' keys signed before the rotation and sign
    /// now verifies by what is published.
    /// </summary>
    public async Task<(bool Ok, string Detail)> PublishedKeysAsync(RotationRow rotation, IReadOnlyList<InstanceAddress> instances, CancellationToken cancellationToken)
    {
        var services = instances.Where(instance => instance.Service == "sts").ToList();
        var zones = await database.ReadAsync(connection => ZoneKeyStore.ListZonesAsync(connection, MostZones), cancellationToken);
        foreach (var sts in services)
        {
            foreach (var zone in zones)
            {
                // A zone's key may be rotated meanwhile: both are read again until they agree.
                if (!await UntilAsync(Settled, () => AgreesAsync(sts, zone, cancellationToken), cancellationToken))
                {
                    return (false, $"{sts.Name} does not publish exactly the keys of zone {zone}");
                }
            }
        }

        foreach (var sts in services)
        {
            if (await probes.FailedSelfTestAsync(sts, cancellationToken) is { } failing) return (false, $"{sts.Name} {failing}");
        }

        var (verify, detail) = await samples.VerifyAsync(rotation, services, cancellationToken);
        return (verify, verify ? $"{services.Count} STS publish exactly the keys of {zones.Count} zones and verify what each signed; {detail}" : detail);
    }

    /// <summary>V7: every STS opens and uses every zone's key, a sample of values opens here, and every value is sealed with a key that is loaded.</summary>
    public async Task<(bool Ok, string Detail)> SealedValuesAsync(IReadOnlyList<InstanceAddress> instances, CancellationToken cancellationToken)
    {
        foreach (var sts in instances.Where(instance => instance.Service == "sts"))
        {
            if (await probes.FailedSelfTestAsync(sts, cancellationToken) is { } failing) return (false, $"{sts.Name} {failing}");
        }

        return await database.ReadAsync(SealedValuesAsync, cancellationToken);
    }

    /// <summary>The baseline of V12, for the evidence of prepare; null where nobody counts.</summary>
    public static async Task<RotationCheck?> BaselineAsync(Work work, long? redisClients) =>
        await ConnectionsAsync(work.Connection, work.Dialect.HasOneWriter) is { } count
            ? new RotationCheck("V12", true, string.Create(CultureInfo.InvariantCulture, $"{count} connections{(redisClients is null ? "" : $", {redisClients} Redis clients")}"), 0)
            : null;

    /// <summary>V12: as many connections as before, give or take half, and no pool nearly full.</summary>
    /// <param name="rotation">Whose evidence has the baseline.</param>
    /// <param name="instances">Who is asked again, as long as it is not so.</param>
    /// <param name="figures">What they said a moment ago.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<(bool Ok, string Detail)> ConnectionsAsync(
        RotationRow rotation, IReadOnlyList<InstanceAddress> instances, InstanceFigures figures, CancellationToken cancellationToken)
    {
        var (connections, clients) = Baseline(await database.ReadAsync(connection => RotationEventStore.LinesAsync(connection, rotation.Id), cancellationToken));
        var detail = "";
        InstanceFigures? fresh = figures;
        var ok = await UntilAsync(
            Drained,
            async () =>
            {
                var now = await database.ReadAsync(connection => ConnectionsAsync(connection, database.Dialect.HasOneWriter), cancellationToken);
                var seen = fresh ?? await probes.FiguresAsync(instances, cancellationToken);
                fresh = null;
                var (holds, of) = Judge(connections, now, seen.FullestPool);
                var (redisHolds, ofRedis) = JudgeRedis(clients, clients is null ? null : seen.RedisClients);
                detail = of + ofRedis;
                return holds && redisHolds;
            },
            cancellationToken);
        return (ok, detail);
    }

    /// <summary>Judges counts of connections; the baseline and the count are null where nobody counts.</summary>
    internal static (bool Ok, string Detail) Judge(long? baseline, long? now, (string Name, double Use)? fullest)
    {
        if (fullest is var (name, use) && use >= FullPool) return (false, string.Create(CultureInfo.InvariantCulture, $"the pool of {name} is {use:P0} in use"));
        if (baseline is not { } before || now is not { } count) return (true, "no pool is nearly full");
        return (IsNear(before, count), $"{count} connections, {before} before");
    }

    /// <summary>As <see cref="Judge"/>, for Redis.</summary>
    internal static (bool Ok, string Detail) JudgeRedis(long? baseline, long? now) =>
        baseline is not { } before ? (true, "")
        : now is not { } count ? (false, $"; nobody tells of Redis clients, {before} before")
        : (IsNear(before, count), $"; {count} Redis clients, {before} before");

    private static bool IsNear(long before, long now) => Math.Abs(now - before) <= Math.Max(Slack, before / 2);

    private static (long? Connections, long? RedisClients) Baseline(IReadOnlyList<string> evidence)
    {
        foreach (var text in evidence)
        {
            using var line = JsonDocument.Parse(text);
            if (line.RootElement.GetProperty("event").GetString() != RotationState.Prepared || !line.RootElement.TryGetProperty("checks", out var checks)) continue;
            foreach (var check in checks.EnumerateArray())
            {
                if (check.GetProperty("id").GetString() != "V12") continue;
                var counts = check.GetProperty("detail").GetString()!.Split(", ").Select(part => long.Parse(part.Split(' ')[0], CultureInfo.InvariantCulture)).ToList();
                return (counts[0], counts.Count > 1 ? counts[1] : null);
            }
        }

        return default;
    }

    private static async Task<long?> ConnectionsAsync(DbConnection connection, bool embedded) =>
        embedded ? null : await InstanceStore.CountConnectionsAsync(connection);

    private async Task<bool> AgreesAsync(InstanceAddress sts, string zone, CancellationToken cancellationToken)
    {
        var keys = await database.ReadAsync(connection => ZoneKeyStore.ListAsync(connection, zone), cancellationToken);
        var expected = keys.Where(key => key.IsPublished).Select(key => key.Id).Order(StringComparer.Ordinal);
        return await probes.PublishedKeysAsync(sts, zone, cancellationToken) is { } published && expected.SequenceEqual(published.Order(StringComparer.Ordinal));
    }

    private async Task<(bool Ok, string Detail)> SealedValuesAsync(DbConnection connection)
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var opened = 0;
        foreach (var family in EnvelopeFamily.All)
        {
            foreach (var (kid, rows) in await EnvelopeStore.CountByKeyAsync(connection, family)) counts[kid] = counts.GetValueOrDefault(kid) + rows;
            var batch = await EnvelopeStore.TryAsync(connection, family, settings.Keks, "", Sample);
            opened += batch.Examined - batch.Failed.Count;
            if (batch.Failed.Count > 0) return (false, $"{family.Name} {batch.Failed[0]} does not open");
        }

        var unknown = counts.Keys.Where(kid => settings.Keks.Find(Convert.FromHexString(kid)) is null).ToList();
        var listed = string.Join(", ", counts.Select(count => $"{count.Value} with {count.Key}"));
        return unknown.Count > 0 ? (false, $"values are sealed with a key that is not loaded: {listed}") : (true, $"{opened} values of a sample open; {listed}");
    }

    private async Task<bool> UntilAsync(TimeSpan limit, Func<Task<bool>> holds, CancellationToken cancellationToken)
    {
        var start = clock.Process.GetTimestamp();
        while (!await holds())
        {
            if (clock.Process.GetElapsedTime(start) > limit) return false;
            await Task.Delay(Pause, clock.Process, cancellationToken);
        }

        return true;
    }
}
