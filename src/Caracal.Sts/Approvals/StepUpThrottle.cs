using System.Collections.Concurrent;
using System.Net;

namespace Caracal.Sts.Approvals;

/// <summary>Five failures within two minutes silence a client for five (sts.md 4). In this process only, by the requirement.</summary>
internal sealed class StepUpThrottle(TimeProvider time)
{
    private const int Failures = 5;
    private const int MostClients = 10_000;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Cooldown = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, Entry> _clients = new(StringComparer.Ordinal);

    public static string ApplicationKey(string zoneId, string applicationId) => $"{zoneId}\0{applicationId}";

    public static string SubjectKey(string zoneId, string? clientId, string? subject) => $"{zoneId}\0{clientId}\0{subject}";

    public static string AddressKey(IPAddress? address) => $"\0{address}";

    /// <summary>Seconds left of the client's cooldown; null when there is none.</summary>
    public int? RetryAfter(string client)
    {
        if (!_clients.TryGetValue(client, out var entry))
        {
            return null;
        }

        lock (entry)
        {
            var left = entry.SilentUntil - time.GetUtcNow();
            return left > TimeSpan.Zero ? (int)Math.Ceiling(left.TotalSeconds) : null;
        }
    }

    /// <summary>Counts one failure.</summary>
    public void Fail(string client)
    {
        var now = time.GetUtcNow();
        if (_clients.Count > MostClients)
        {
            Forget(now);
        }

        var entry = _clients.GetOrAdd(client, static _ => new Entry());
        lock (entry)
        {
            while (entry.Times.TryPeek(out var oldest) && now - oldest > Window)
            {
                entry.Times.Dequeue();
            }

            entry.Times.Enqueue(now);
            if (entry.Times.Count >= Failures)
            {
                entry.SilentUntil = now + Cooldown;
                entry.Times.Clear();
            }
        }
    }

    private void Forget(DateTimeOffset now)
    {
        foreach (var (client, entry) in _clients)
        {
            lock (entry)
            {
                var quiet = entry.SilentUntil <= now && (entry.Times.Count == 0 || now - entry.Times.Last() > Window);
                if (quiet)
                {
                    _clients.TryRemove(client, out _);
                }
            }
        }
    }

    private sealed class Entry
    {
        public Queue<DateTimeOffset> Times { get; } = new();
        public DateTimeOffset SilentUntil { get; set; }
    }
}
