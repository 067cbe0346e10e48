using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Upkeep;

namespace Caracal.Cli.Provisioning;

/// <summary>The Redis half of <c>caracal provision</c>: topics, groups, users.</summary>
internal sealed class RedisProvision
{
    private readonly Dictionary<RedisUser, string> _passwords = [];

    private RedisProvision(RedisOptions administrator) => Administrator = administrator;

    public RedisOptions Administrator { get; }

    public IEnumerable<string> MissingPasswords => RedisUser.All.Where(user => !_passwords.ContainsKey(user)).Select(user => user.PasswordVariable);

    /// <summary>Reads where Redis is and the passwords of its users.</summary>
    public static RedisProvision Read(AdministratorAccess access)
    {
        if (access.Secret("REDIS_URL", "redisUrl")?.Reveal() is not { } url)
        {
            throw new CommandFailure("REDIS_URL is required: the administrator's address of Redis (or give --skip-redis)");
        }

        if (!RedisOptions.TryParse(url, out var options, out var fault)) throw new CommandFailure($"REDIS_URL {fault}");
        var provision = new RedisProvision(options with
        {
            ClientName = "caracal-admin",
            Password = options.Password ?? access.Secret("REDIS_PASSWORD"),
        });
        foreach (var user in RedisUser.All)
        {
            if (access.Secret(user.PasswordVariable)?.Reveal() is { } password) provision._passwords[user] = password;
        }

        return provision;
    }

    /// <summary>A service's own way in.</summary>
    public RedisOptions OptionsOf(RedisUser user) =>
        Administrator with { User = user.Name, Password = new Keys.Secrets.SecretText(_passwords[user]), ClientName = user.Name };

    /// <summary>A service's own URL.</summary>
    public string UrlOf(RedisUser user)
    {
        var host = Administrator.Host.Contains(':', StringComparison.Ordinal) ? $"[{Administrator.Host}]" : Administrator.Host;
        var database = Administrator.Database == 0 ? "" : $"/{Administrator.Database}";
        return $"{(Administrator.UseTls ? "rediss" : "redis")}://{user.Name}:{Uri.EscapeDataString(_passwords[user])}@{host}:{Administrator.Port}{database}";
    }

    public async Task RunAsync(Terminal terminal, CancellationToken stop)
    {
        await using var redis = new RedisConnection(Administrator);
        foreach (var (topic, length) in await new RedisProvisioning(new RedisStreams(redis)).RunAsync(stop))
        {
            terminal.Warning($"{topic} holds {length} messages, more than it should; somebody does not read it");
        }

        terminal.Success("topics and groups are there");
        var control = new RedisAccessControl(redis);
        foreach (var user in RedisUser.All) await control.SetAsync(user, _passwords[user], stop);
        terminal.Success($"{RedisUser.All.Count} users may touch their own keys only");
        if (await control.SaveAsync(stop) is { } reason)
        {
            terminal.Warning($"the users will not outlive a restart of Redis ({reason}); give it an aclfile, or a configuration file it may write");
        }
    }
}
