using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Provisioning;
using Caracal.Streams;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Upkeep;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal redis provision|verify</c> (cli.md 7, operations.md 8).</summary>
internal static class RedisCommand
{
    public static Command Descriptor { get; } = new(
        "redis", CommandGroup.Operations, "make Redis ready for the services, or prove that it is",
        """
        usage: caracal redis provision | verify

        provision   topics, groups, and one ACL user per service: the Redis half of caracal provision
        verify      changes nothing: types, groups, eviction, persistence, and by each service's own
                    login that it reaches its own keys and nobody else's. Exit 0 only if all holds.

        Redis' administrator comes from REDIS_URL, the users' passwords from CARACAL_SECRETS_DIR or
        CARACAL_<SERVICE>_REDIS_PASSWORD and their _FILE forms.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown();
        if (context.Arguments.Operands is not ["provision" or "verify"]) throw new CommandFailure("say what: caracal redis provision, or caracal redis verify");
        var redis = RedisProvision.Read(new AdministratorAccess(context.Variables));
        if (redis.MissingPasswords.ToList() is { Count: > 0 } missing) throw new CommandFailure($"passwords are missing: {string.Join(", ", missing)}");
        try
        {
            if (context.Arguments.Operands[0] == "verify") return await VerifyAsync(redis, context.Terminal, context.Stop);
            await redis.RunAsync(context.Terminal, context.Stop);
            return 0;
        }
        catch (StreamsUnavailableException fault)
        {
            throw new CommandFailure($"Redis does not answer: {fault.InnerException?.Message ?? fault.Message}");
        }
    }

    private static async Task<int> VerifyAsync(RedisProvision redis, Terminal terminal, CancellationToken stop)
    {
        await using var administrator = new RedisConnection(redis.Administrator);
        var proofs = (await new RedisVerification(administrator).RunAsync(stop)).ToList();
        foreach (var user in RedisUser.All)
        {
            await using var connection = new RedisConnection(redis.OptionsOf(user));
            try
            {
                proofs.Add(await RedisVerification.ProveAsync(user, connection, stop));
            }
            catch (StreamsUnavailableException fault)
            {
                proofs.Add(new($"{user.Name} enters", fault.InnerException?.Message ?? fault.Message));
            }
        }

        foreach (var proof in proofs)
        {
            if (proof.Problem is null) terminal.Success(proof.What);
            else terminal.Error($"{proof.What}: {proof.Problem}");
        }

        return proofs.All(proof => proof.Problem is null) ? 0 : 1;
    }
}
