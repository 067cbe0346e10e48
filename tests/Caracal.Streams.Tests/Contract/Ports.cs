using Caracal.Streams.InProcess;
using Caracal.Streams.Redis;
using Caracal.Streams.State;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Streams.Tests.Contract;

/// <summary>One implementation of both ports, empty and its test's own.</summary>
public sealed class Ports(IStreamTransport streams, ISharedState state, Func<ValueTask> end) : IAsyncDisposable
{
    public IStreamTransport Streams => streams;

    public ISharedState State => state;

    public static Ports InProcess()
    {
        var state = new InProcessState(TimeProvider.System);
        return new Ports(new InProcessStreams(TimeProvider.System), state, () =>
        {
            state.Dispose();
            return default;
        });
    }

    public static Ports OnRedis(RedisServer server)
    {
        var connection = new RedisConnection(server.Options());
        return new Ports(new RedisStreams(connection), new RedisState(connection), connection.DisposeAsync);
    }

    public ValueTask DisposeAsync() => end();
}
