using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;

namespace Caracal.Stack;

/// <summary>What a role's rings did: which slot matched, and content they refused (operations.md 4.1, 6.3).</summary>
internal static class KeyMetrics
{
    // The archive only reads history and is no slot of a live match.
    private static readonly KeySlot[] Slots = [KeySlot.Current, KeySlot.Next, KeySlot.Previous, KeySlot.None];

    public static void Show(MetricsRegistry metrics, SecretReload secrets)
    {
        metrics.Family("caracal_key_slot_matches_total", "counter", () => secrets.Matches.SelectMany(
            ring => Slots.Select(slot => ($"class=\"{ring.ClassId}\",slot=\"{slot.Name()}\"", (double)ring.Matches.Of(slot)))));
        metrics.Family("caracal_secret_reload_errors_total", "counter", () => secrets.Matches.Select(
            ring => ($"class=\"{ring.ClassId}\"", (double)secrets.ErrorsOf(ring.ClassId))));
    }
}
