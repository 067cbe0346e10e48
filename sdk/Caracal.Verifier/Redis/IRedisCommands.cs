namespace Caracal.Verifier.Redis;

/// <summary>Sends one command to Redis. The library brings <see cref="RedisClient"/>; an application may put its own client here.</summary>
public interface IRedisCommands
{
    /// <summary>The reply; an error reply and a lost connection are exceptions.</summary>
    ValueTask<RedisReply> SendAsync(IReadOnlyList<string> command, CancellationToken cancellationToken = default);
}

/// <summary>One reply. At most one of its parts is set; none is the null reply.</summary>
public sealed record RedisReply
{
    public static RedisReply Null { get; } = new();

    public string? Text { get; init; }

    public long? Integer { get; init; }

    public IReadOnlyList<RedisReply>? Items { get; init; }
}

/// <summary>Redis refused a command or could not be reached. Repeats nothing that the command held.</summary>
public sealed class RedisException : IOException
{
    /// <param name="code">The first word of the server's error, or a word of ours.</param>
    /// <param name="inner">What happened to the connection.</param>
    public RedisException(string code, Exception? inner = null)
        : base($"redis: {code}", inner) => Code = code;

    /// <summary>Such as <c>BUSYGROUP</c> or <c>NOAUTH</c>.</summary>
    public string Code { get; }
}
