using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis.Upkeep;

/// <summary>Makes the ACL users of the services agree with <see cref="RedisUser"/> (operations.md 8); as often as one likes.</summary>
/// <param name="redis">A connection that may administer users.</param>
public sealed class RedisAccessControl(RedisConnection redis)
{
    /// <summary>Replaces the user's rights and passwords by those of this version.</summary>
    public async Task SetAsync(RedisUser user, string password, CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.ExecuteAsync(user.SetCommand(password), cancellationToken));

    /// <summary>Writes the users to the server's ACL file or configuration file; null when it did, else why they will not outlive a restart.</summary>
    public async Task<string?> SaveAsync(CancellationToken cancellationToken)
    {
        var saved = await redis.ExecuteAsync(["ACL", "SAVE"], cancellationToken);
        if (saved.Kind != RespKind.Error)
        {
            return null;
        }

        var rewritten = await redis.ExecuteAsync(["CONFIG", "REWRITE"], cancellationToken);
        return rewritten.Kind == RespKind.Error ? rewritten.Text : null;
    }
}
