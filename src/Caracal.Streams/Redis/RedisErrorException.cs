using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis;

/// <summary>The server refused a command. Only the code of its answer is kept: the rest may repeat what we sent.</summary>
public sealed class RedisErrorException(string code) : Exception($"Redis refused the command ({code})")
{
    /// <summary>For example <c>NOGROUP</c> or <c>NOPERM</c>.</summary>
    public string Code { get; } = code;

    /// <summary>
    /// The reply itself unless it is an error. To callers of the ports a server that refuses (out of memory, loading, no
    /// permission) is a server that cannot be used.
    /// </summary>
    internal static RespValue ThrowIfError(in RespValue reply)
    {
        if (reply.Kind != RespKind.Error)
        {
            return reply;
        }

        var refused = new RedisErrorException(reply.ErrorCode);
        throw new StreamsUnavailableException(refused.Message, refused);
    }
}
