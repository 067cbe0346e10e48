using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis.Upkeep;

/// <summary>The two passwords of a Redis user while one takes over from the other; Redis sees hashes only (operations.md 4.6.8).</summary>
/// <param name="redis">A connection that may administer users.</param>
public sealed class UserPasswords(RedisConnection redis)
{
    /// <summary>A further password lets the user in.</summary>
    public async Task AddAsync(string user, string password, CancellationToken cancellationToken) => await ChangeAsync(user, "#" + Hash(password), cancellationToken);

    /// <summary>A password lets nobody in any more; taking away one that is not there does no harm.</summary>
    public async Task RemoveAsync(string user, string password, CancellationToken cancellationToken)
    {
        var held = RedisErrorException.ThrowIfError(await redis.ExecuteAsync(["ACL", "GETUSER", user], cancellationToken));
        var passwords = new List<string?>();
        foreach (var known in held["passwords"].Items) passwords.Add(known.Text);
        if (passwords.Contains(Hash(password))) await ChangeAsync(user, "!" + Hash(password), cancellationToken);
    }

    /// <summary>
    /// Connections of a user that were surely made before a time: they entered with an older password. Redis tells ages in whole
    /// seconds, up to one more than it was, so what was made in the last second or two before that time may be missing.
    /// </summary>
    public async Task<IReadOnlyList<long>> ConnectionsBeforeAsync(string user, TimeSpan age, CancellationToken cancellationToken) =>
        [.. (await ConnectionsAsync(user, cancellationToken)).Where(client => client.Age - 1 > age.TotalSeconds).Select(client => client.Id)];

    /// <summary>Connections of a user that were made before another one.</summary>
    public async Task<IReadOnlyList<long>> ConnectionsBeforeAsync(string user, long connection, CancellationToken cancellationToken) =>
        [.. (await ConnectionsAsync(user, cancellationToken)).Where(client => client.Id < connection).Select(client => client.Id)];

    /// <summary>The number of our own connection. Redis counts them up: whatever has a smaller one was made before.</summary>
    public async Task<long> OwnConnectionAsync(CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.ExecuteAsync(["CLIENT", "ID"], cancellationToken)).Integer;

    /// <summary>
    /// A connection that waits for messages is answered as if its time had passed, so that its service enters anew now and not in
    /// some seconds. Redis gives it nothing then, so no message is lost; one that does not wait is left as it is.
    /// </summary>
    public async Task WakeAsync(long connection, CancellationToken cancellationToken) =>
        await redis.ExecuteAsync(["CLIENT", "UNBLOCK", connection.ToString(CultureInfo.InvariantCulture)], cancellationToken);

    /// <summary>Ends a connection.</summary>
    public async Task EndAsync(long connection, CancellationToken cancellationToken) =>
        await redis.ExecuteAsync(["CLIENT", "KILL", "ID", connection.ToString(CultureInfo.InvariantCulture)], cancellationToken);

    private async Task<IEnumerable<(long Id, long Age)>> ConnectionsAsync(string user, CancellationToken cancellationToken)
    {
        var list = RedisErrorException.ThrowIfError(await redis.ExecuteAsync(["CLIENT", "LIST"], cancellationToken)).Text ?? "";
        return list.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Trim().Split(' ').Select(field => field.Split('=', 2)).Where(field => field.Length == 2).ToLookup(field => field[0], field => field[1], StringComparer.Ordinal))
            .Where(client => client["user"].FirstOrDefault() == user)
            .Select(client => (Number(client["id"]), Number(client["age"])));
    }

    private async Task ChangeAsync(string user, string rule, CancellationToken cancellationToken) =>
        RedisErrorException.ThrowIfError(await redis.ExecuteAsync(["ACL", "SETUSER", user, rule], cancellationToken));

    private static string Hash(string password) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(password)));

    private static long Number(IEnumerable<string> values) => long.Parse(values.First(), CultureInfo.InvariantCulture);
}
