using System.Runtime.CompilerServices;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.State;

/// <summary>Shared state in Redis: every member is one round trip on the shared connection.</summary>
public sealed class RedisState(RedisConnection redis) : ISharedState, ISharedLeases, ISharedBuckets
{
    // One step, so that no crash leaves a counter that never ends; one that was left so (by an older server) gets its end here.
    private const string CountScript =
        "local n=redis.call('INCR',KEYS[1]) if n==1 or redis.call('PTTL',KEYS[1])<0 then redis.call('PEXPIRE',KEYS[1],ARGV[1]) end return n";

    // Compared and changed in one step, so that a lease that ran out is never taken from its next owner.
    private const string RenewScript = "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('PEXPIRE',KEYS[1],ARGV[2]) end return 0";
    private const string ReleaseScript = "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end return 0";

    // By the server's clock, which all replicas share; a clock set back fills nothing.
    private const string BucketScript =
        "local t=redis.call('TIME') local now=t[1]*1000+math.floor(t[2]/1000) local c=tonumber(ARGV[1]) local w=tonumber(ARGV[2]) "
        + "local b=redis.call('HMGET',KEYS[1],'n','at') local n=tonumber(b[1]) or c local at=tonumber(b[2]) or now "
        + "n=math.min(c,n+math.max(0,now-at)*c/w) local taken=0 if n>=1 then n=n-1 taken=1 end "
        + "redis.call('HSET',KEYS[1],'n',tostring(n),'at',now) redis.call('PEXPIRE',KEYS[1],w*10) return taken";

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> TryAddAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        if (lifetime <= TimeSpan.Zero)
        {
            // Redis knows no mark that has already ended; what is left is the question whether there is one.
            var exists = await redis.SendAsync(WriteExists, key, cancellationToken);
            return Number(exists) == 0;
        }

        var reply = await redis.SendAsync(WriteAdd, (key, value, Milliseconds(lifetime)), cancellationToken);
        return RedisErrorException.ThrowIfError(reply).Text == "OK";
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<long> IncrementAsync(string key, TimeSpan window, CancellationToken cancellationToken)
    {
        var reply = await redis.SendAsync(WriteCount, (key, Milliseconds(window)), cancellationToken);
        return Number(reply);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<string?> GetAsync(string key, CancellationToken cancellationToken)
    {
        var reply = await redis.SendAsync(WriteGet, key, cancellationToken);
        return RedisErrorException.ThrowIfError(reply).Text;
    }

    public async ValueTask SetAsync(string key, string value, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        if (lifetime <= TimeSpan.Zero)
        {
            await DeleteAsync(key, cancellationToken);
            return;
        }

        RedisErrorException.ThrowIfError(
            await redis.SendAsync(WriteSet, (key, value, Milliseconds(lifetime)), cancellationToken));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<string?> TakeAsync(string key, CancellationToken cancellationToken)
    {
        var reply = await redis.SendAsync(WriteTake, key, cancellationToken);
        return RedisErrorException.ThrowIfError(reply).Text;
    }

    public async ValueTask DeleteAsync(string key, CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.SendAsync(WriteDelete, key, cancellationToken));

    public ValueTask<bool> TryLeaseAsync(string key, string owner, TimeSpan lifetime, CancellationToken cancellationToken) =>
        TryAddAsync(key, owner, lifetime, cancellationToken);

    public async ValueTask<bool> RenewLeaseAsync(string key, string owner, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var reply = await redis.SendAsync(WriteRenew, (key, owner, Milliseconds(lifetime)), cancellationToken);
        return Number(reply) == 1;
    }

    public async ValueTask ReleaseLeaseAsync(string key, string owner, CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.SendAsync(WriteRelease, (key, owner), cancellationToken));

    public async ValueTask<bool> TakeTokenAsync(string key, int capacity, TimeSpan window, CancellationToken cancellationToken) =>
        Number(await redis.SendAsync(WriteTakeToken, (key, (long)capacity, Milliseconds(window)), cancellationToken)) == 1;

    public async ValueTask PingAsync(CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.SendAsync(WriteSingle, "PING", cancellationToken));

    /// <summary>The clock that replicas share for fixed windows (api.md 2.2).</summary>
    public async ValueTask<DateTimeOffset> TimeAsync(CancellationToken cancellationToken)
    {
        var reply = RedisErrorException.ThrowIfError(await redis.SendAsync(WriteSingle, "TIME", cancellationToken));
        return reply.Items is [var seconds, var micros]
            && long.TryParse(seconds.Text, out var whole) && long.TryParse(micros.Text, out var part)
            ? DateTimeOffset.FromUnixTimeSeconds(whole).AddMicroseconds(part)
            : throw new StreamsUnavailableException("Redis does not tell the time");
    }

    // A reply that is no number must not count as zero, which would be below every limit.
    private static long Number(in RespValue reply) =>
        RedisErrorException.ThrowIfError(reply).Kind == RespKind.Integer
            ? reply.Integer
            : throw new StreamsUnavailableException("Redis gave no number");

    // Rounded up: a life of less than a millisecond is not none.
    private static long Milliseconds(TimeSpan life) => (long)Math.Ceiling(life.TotalMilliseconds);

    private static void WriteAdd(RespBuffer buffer, (string Key, string Value, long Life) mark)
    {
        buffer.Begin(6);
        buffer.Part("SET"u8);
        buffer.Part(mark.Key);
        buffer.Part(mark.Value);
        buffer.Part("NX"u8);
        buffer.Part("PX"u8);
        buffer.Part(mark.Life);
    }

    private static void WriteSet(RespBuffer buffer, (string Key, string Value, long Life) text)
    {
        buffer.Begin(5);
        buffer.Part("SET"u8);
        buffer.Part(text.Key);
        buffer.Part(text.Value);
        buffer.Part("PX"u8);
        buffer.Part(text.Life);
    }

    // EVAL, not EVALSHA: the service users may run the former only (operations.md 8), and it never needs a second try.
    private static void WriteCount(RespBuffer buffer, (string Key, long Window) counter)
    {
        buffer.Begin(5);
        buffer.Part("EVAL"u8);
        buffer.Part(CountScript);
        buffer.Part("1"u8);
        buffer.Part(counter.Key);
        buffer.Part(counter.Window);
    }

    private static void WriteTakeToken(RespBuffer buffer, (string Key, long Capacity, long Window) bucket)
    {
        buffer.Begin(6);
        buffer.Part("EVAL"u8);
        buffer.Part(BucketScript);
        buffer.Part("1"u8);
        buffer.Part(bucket.Key);
        buffer.Part(bucket.Capacity);
        buffer.Part(bucket.Window);
    }

    private static void WriteRenew(RespBuffer buffer, (string Key, string Owner, long Life) lease)
    {
        buffer.Begin(6);
        buffer.Part("EVAL"u8);
        buffer.Part(RenewScript);
        buffer.Part("1"u8);
        buffer.Part(lease.Key);
        buffer.Part(lease.Owner);
        buffer.Part(lease.Life);
    }

    private static void WriteRelease(RespBuffer buffer, (string Key, string Owner) lease)
    {
        buffer.Begin(5);
        buffer.Part("EVAL"u8);
        buffer.Part(ReleaseScript);
        buffer.Part("1"u8);
        buffer.Part(lease.Key);
        buffer.Part(lease.Owner);
    }

    private static void WriteExists(RespBuffer buffer, string key) => WriteKey(buffer, "EXISTS"u8, key);

    private static void WriteGet(RespBuffer buffer, string key) => WriteKey(buffer, "GET"u8, key);

    private static void WriteTake(RespBuffer buffer, string key) => WriteKey(buffer, "GETDEL"u8, key);

    private static void WriteDelete(RespBuffer buffer, string key) => WriteKey(buffer, "DEL"u8, key);

    private static void WriteKey(RespBuffer buffer, ReadOnlySpan<byte> command, string key)
    {
        buffer.Begin(2);
        buffer.Part(command);
        buffer.Part(key);
    }

    private static void WriteSingle(RespBuffer buffer, string command)
    {
        buffer.Begin(1);
        buffer.Part(command);
    }
}
