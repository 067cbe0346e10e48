using System.Collections.Concurrent;

namespace Caracal.Streams.Redis.Connections;

/// <summary>Replies that nobody waits for at the moment.</summary>
internal sealed class PendingReplyPool
{
    private const int Most = 1024;
    private readonly ConcurrentQueue<PendingReply> _free = new();

    public PendingReply Rent() => _free.TryDequeue(out var reply) ? reply : new PendingReply(this);

    public void Return(PendingReply reply)
    {
        if (_free.Count < Most)
        {
            _free.Enqueue(reply);
        }
    }
}
