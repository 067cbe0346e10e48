using System.Text.Json;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.Rotations;
using Caracal.Storage.ZoneKeys;

namespace Caracal.ControlPlane.Rotations;

/// <summary>
/// What zones' keys signed before a rotation, kept in the evidence of its first step, verifies after it by what every STS
/// publishes, as a resource server would verify a mandate; so does what they sign then (operations.md 4.7, V6).
/// </summary>
internal sealed class KeySamples(Database database, InstanceProbes probes, TimeProvider time)
{
    private const int MostZones = 10;
    private const int Looks = 5;
    private const string Check = "V6";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>For the evidence of prepare; null when no STS signs any.</summary>
    public async Task<RotationCheck?> TakeAsync(IReadOnlyList<InstanceAddress> instances, CancellationToken cancellationToken)
    {
        var services = instances.Where(instance => instance.Service == "sts").ToList();
        var zones = await database.ReadAsync(connection => ZoneKeyStore.ListZonesAsync(connection, MostZones), cancellationToken);
        var samples = new List<KeySample>();

        // One that hangs is waited for once, not for every zone: an emergency may be why it hangs.
        var hanging = new HashSet<InstanceAddress>();
        foreach (var zone in zones)
        {
            foreach (var sts in services.Where(sts => !hanging.Contains(sts)))
            {
                var (sample, answers) = await probes.SampleAsync(sts, zone, cancellationToken);
                if (!answers) hanging.Add(sts);
                if (sample is null) continue;
                samples.Add(sample);
                break;
            }
        }

        return samples.Count == 0 ? null : new RotationCheck(Check, true, string.Join("; ", samples), 0);
    }

    /// <summary>A key that has left JWKS since by its own rotation is not asked for.</summary>
    public async Task<(bool Ok, string Detail)> VerifyAsync(RotationRow rotation, IReadOnlyList<InstanceAddress> instances, CancellationToken cancellationToken)
    {
        var before = Kept(await database.ReadAsync(connection => RotationEventStore.LinesAsync(connection, rotation.Id), cancellationToken));
        var zones = before.Select(sample => (sample.ZoneId, Sample: (KeySample?)sample)).ToList();

        // Nothing was kept when no STS could be asked then; what they sign now must verify all the same.
        if (zones.Count == 0) zones.AddRange((await database.ReadAsync(connection => ZoneKeyStore.ListZonesAsync(connection, MostZones), cancellationToken)).Select(zone => (zone, (KeySample?)null)));
        var (old, fresh) = (0, 0);
        foreach (var (zone, sample) in zones)
        {
            foreach (var sts in instances.Where(instance => instance.Service == "sts"))
            {
                var (published, problem) = await VerifyAsync(sts, zone, sample, cancellationToken);
                if (problem is not null) return (false, $"{sts.Name} {problem} of zone {zone}");
                if (published) old++;
                fresh++;
            }
        }

        return (true, $"{old} signatures from before and {fresh} of now verify");
    }

    // The zone's own key may be rotated at this moment, so it is looked again before anything is called wrong.
    private async Task<(bool Published, string? Problem)> VerifyAsync(InstanceAddress sts, string zone, KeySample? sample, CancellationToken cancellationToken)
    {
        string? problem = null;
        for (var look = 0; look < Looks; look++)
        {
            if (look > 0) await Task.Delay(Pause, time, cancellationToken);
            var rows = await database.ReadAsync(connection => ZoneKeyStore.ListAsync(connection, zone), cancellationToken);
            var expected = sample is not null && rows.Any(row => row.Id == sample.KeyId && row.IsPublished);
            var (fresh, _) = await probes.SampleAsync(sts, zone, cancellationToken);
            var keys = await probes.PublishedSetAsync(sts, zone, cancellationToken);
            if (expected && (keys?.Find(sample!.KeyId) is not { } known || !sample.Verify(known))) problem = "does not publish a key that verifies what was signed before, a signature";
            else if (fresh is null || keys?.Find(fresh.KeyId) is not { } current || !fresh.Verify(current)) problem = "does not publish a key that verifies what it signs now, a signature";
            else return (expected, null);
        }

        return (false, problem);
    }

    private static List<KeySample> Kept(IReadOnlyList<string> evidence)
    {
        if (evidence.Count == 0) return [];
        using var line = JsonDocument.Parse(evidence[0]);
        if (!line.RootElement.TryGetProperty("checks", out var checks)) return [];
        return
        [
            .. checks.EnumerateArray().Where(check => check.GetProperty("id").GetString() == Check)
                .SelectMany(check => check.GetProperty("detail").GetString()!.Split("; ")).Select(KeySample.TryParse).OfType<KeySample>(),
        ];
    }
}
