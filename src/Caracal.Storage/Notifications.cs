using System.Collections.Immutable;

namespace Caracal.Storage;

/// <summary>Who listens to which channel in this process.</summary>
internal sealed class Notifications
{
    private ImmutableDictionary<string, ImmutableArray<Action<string>>> _handlers =
        ImmutableDictionary<string, ImmutableArray<Action<string>>>.Empty;

    public IDisposable Listen(string channel, Action<string> handler)
    {
        ImmutableInterlocked.AddOrUpdate(ref _handlers, channel, _ => [handler], (_, list) => list.Add(handler));
        return new Subscription(() => ImmutableInterlocked.AddOrUpdate(
            ref _handlers, channel, _ => [], (_, list) => list.Remove(handler)));
    }

    public void Deliver(string channel, string payload)
    {
        if (!_handlers.TryGetValue(channel, out var handlers))
        {
            return;
        }

        foreach (var handler in handlers)
        {
            handler(payload);
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        private Action? _end = end;

        public void Dispose() => Interlocked.Exchange(ref _end, null)?.Invoke();
    }
}
