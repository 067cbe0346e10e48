using System.Globalization;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Storage;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary>What the running services say of work that the value which goes has signed: journals, streams, dead letters, receipts (operations.md 4.5).</summary>
internal sealed class DrainChecks(Database database, DatabaseClock clock, InstanceProbes probes)
{
    private const string Journals = "audit_replay_oldest_age_seconds";
    private const string Streams = "caracal_stream_lag_seconds";
    private const string Ingest = "consumer_pel_oldest_seconds";
    private const string DeadLetters = "dlq_size";
    private const string Receipts = "caracal_idempotency_oldest_seconds";

    /// <summary>None for a class that signs nothing that waits, and in an emergency.</summary>
    public async Task<IReadOnlyList<Gate>> OfAsync(RotationRow rotation, CancellationToken cancellationToken)
    {
        var since = RotationState.WentBack(rotation.State) ? rotation.EndedAt : rotation.RolledAt;
        if (rotation.Emergency || since is null || rotation.Class is not (KeyClass.AuditHmac or KeyClass.StreamsHmac or KeyClass.IdempotencyHmac)) return [];
        var facts = await database.ReadAsync(RotationFacts.ReadAsync, cancellationToken);
        var listening = facts.Reachable(clock.Now).Where(instance => instance.Address is not null).ToList();
        var age = (clock.Now - since.Value).TotalSeconds; // before they are asked: while they are, what they tell grows older
        var (figures, silent) = await probes.DrainFiguresAsync(listening, [Journals, Streams, Ingest, DeadLetters, Receipts], cancellationToken);
        var gates = new List<Gate>
        {
            new("drains_known", silent.Count == 0, silent.Count == 0 ? $"{listening.Count} instances" : $"{string.Join(", ", silent)} show no metrics"),
        };

        // A call whose receipt is under the key that goes would run again when it is repeated.
        if (rotation.Class == KeyClass.IdempotencyHmac)
        {
            gates.Add(figures.Keys.Any(figure => figure.Contains(Receipts, StringComparison.Ordinal))
                ? Younger("receipts_expired", figures, [Receipts], age)
                : new Gate("receipts_expired", false, "no Coordinator tells of its receipts", 1));
            return gates;
        }

        gates.Add(Younger("streams_drained", figures, [Streams, Ingest], age));
        if (rotation.Class != KeyClass.AuditHmac) return gates;
        gates.Add(Younger("journals_drained", figures, [Journals], age));
        var dead = figures.Where(figure => figure.Key.Contains(DeadLetters, StringComparison.Ordinal) && figure.Value > 0).Select(figure => figure.Key).ToList();
        gates.Add(new Gate("dead_letters_resolved", dead.Count == 0, dead.Count == 0 ? "no dead letters" : $"dead letters wait at {string.Join(", ", dead)}"));
        return gates;
    }

    // Whatever waits must have come after the value stopped signing.
    private static Gate Younger(string id, IReadOnlyDictionary<string, double> figures, string[] names, double age)
    {
        var old = figures.Where(figure => names.Any(name => figure.Key.Contains(name, StringComparison.Ordinal)) && figure.Value >= age).ToList();
        return old.Count == 0
            ? new Gate(id, true, "nothing from before waits")
            : new Gate(id, false, string.Join(", ", old.Select(figure => string.Create(CultureInfo.InvariantCulture, $"{figure.Key} is {figure.Value:0}"))), 1);
    }
}
