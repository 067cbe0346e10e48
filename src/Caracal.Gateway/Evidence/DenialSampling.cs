using System.Collections.Concurrent;

namespace Caracal.Gateway.Evidence;

/// <summary>
/// Lets a few denials of each kind into the ledger every second and counts the others, so that whoever hammers the
/// Gateway with bad mandates cannot fill the ledger with them.
/// </summary>
internal sealed class DenialSampling(TimeProvider time)
{
    private const int PerSecond = 5;

    private readonly ConcurrentDictionary<GatewayCounter, Window> _windows = new();

    /// <summary>True when this denial is to be recorded; then <paramref name="unrecorded"/> counts those passed over since the last.</summary>
    public bool Take(GatewayCounter kind, out long unrecorded)
    {
        var window = _windows.GetOrAdd(kind, static _ => new Window());
        lock (window)
        {
            if (time.GetElapsedTime(window.Since) >= TimeSpan.FromSeconds(1))
            {
                window.Since = time.GetTimestamp();
                window.Taken = 0;
            }

            unrecorded = window.Passed;
            if (window.Taken >= PerSecond)
            {
                window.Passed++;
                return false;
            }

            window.Taken++;
            window.Passed = 0;
            return true;
        }
    }

    private sealed class Window
    {
        public long Since { get; set; }

        public int Taken { get; set; }

        public long Passed { get; set; }
    }
}
