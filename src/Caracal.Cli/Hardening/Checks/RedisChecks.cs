using System.Diagnostics;
using Caracal.Cli.Environment;
using Caracal.Stack;
using Caracal.Streams;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>What Redis promises, and to whom.</summary>
internal static class RedisChecks
{
    private const int Probes = 20;
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SlowProbe = TimeSpan.FromMilliseconds(50);

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-RED-1", "every service reaches Redis", "REDIS_URL", "20 probes of 20 with a p99 below 50 ms, and a password",
            "exchanges fail closed with 503; anyone on the network injects stream entries",
            "Mend the connection; set requirepass or ACL users.",
            ReachAsync) { BeforeTraffic = true },
        new(
            "H-RED-2", "replay protection without Redis", "JTI_FAIL_OPEN", "unset",
            "captured mandates can be replayed until they expire",
            "Unset JTI_FAIL_OPEN.",
            FailOpenAsync)
        {
            BeforeTraffic = true,
            Repairs = deployment => OperatorFile.RemoveWhere(deployment, "JTI_FAIL_OPEN", _ => true),
        },
        new(
            "H-RED-3", "eviction and persistence", "maxmemory-policy, appendonly, appendfsync", "noeviction, yes, everysec",
            "revocations and audit events are silently lost",
            "CONFIG SET maxmemory-policy noeviction, appendonly yes, appendfsync everysec, and write them into redis.conf.",
            PersistenceAsync),
        new(
            "H-RED-4", "users of Redis", "ACL users", "one user per service, each for its own keys",
            "one compromised service controls all streams",
            "Run caracal provision, and give each service its own URL.",
            UsersAsync),
        new(
            "H-RED-5", "transport to Redis", "REDIS_URL", "rediss:// to other hosts",
            "credentials and events travel in clear",
            "Use rediss://.",
            Check.Look(Transport)),
    ];

    private static async Task<Finding> ReachAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        var targets = Targets(deployment, verdict);
        if (targets.Count == 0) return verdict.Finding(Nothing(deployment));
        await Task.WhenAll(targets.Select(target => ProbeAsync(target.Role, target.Options, verdict, stop)));
        if (await AnswersStrangersAsync(targets[0].Options, stop)) verdict.Fail("an unauthenticated PING is answered");
        return verdict.Finding();
    }

    private static async Task ProbeAsync(string role, RedisOptions options, Verdict verdict, CancellationToken stop)
    {
        await using var redis = new RedisConnection(options);
        var took = new List<double>(Probes);
        for (var i = 0; i <= Probes; i++)
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                var reply = await redis.ExecuteAsync(["PING"], stop);
                if (reply.Kind == RespKind.Error) throw new StreamsUnavailableException(reply.ErrorCode);
            }
            catch (StreamsUnavailableException)
            {
                lock (verdict) verdict.Fail($"{role} does not reach Redis at {options.Host}");
                return;
            }

            if (i == 0) continue; // it opens the connection
            took.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            if (i < Probes) await Task.Delay(ProbeInterval, stop);
        }

        var p99 = Percentile(took, 0.99);
        lock (verdict)
        {
            if (p99 > SlowProbe.TotalMilliseconds) verdict.Warn($"{role}: the p99 of {Probes} probes is {p99:F0} ms");
            else verdict.Ok($"{Probes} of {Probes} probes");
        }
    }

    // By nearest rank: of twenty it is the slowest.
    private static double Percentile(List<double> values, double share)
    {
        values.Sort();
        return values[(int)Math.Ceiling(share * values.Count) - 1];
    }

    private static async Task<bool> AnswersStrangersAsync(RedisOptions options, CancellationToken stop)
    {
        await using var stranger = new RedisConnection(options with { User = null, Password = null });
        try
        {
            return (await stranger.ExecuteAsync(["PING"], stop)).Kind != RespKind.Error;
        }
        catch (StreamsUnavailableException)
        {
            return false;
        }
    }

    private static async Task<Finding> FailOpenAsync(Deployment deployment, CancellationToken stop) =>
        (await deployment.Effective.FindAsync("JTI_FAIL_OPEN", deployment.Roles, stop)).Where(seen => seen.IsOn).Select(seen => seen.Who).ToList() is { Count: > 0 } who
            ? Finding.Fail($"JTI_FAIL_OPEN is on for {string.Join(", ", who)}")
            : Finding.Ok("off everywhere");

    private static async Task<Finding> PersistenceAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        if (Targets(deployment, verdict) is not [var target, ..]) return verdict.Finding(Nothing(deployment));
        await using var redis = new RedisConnection(target.Options);
        try
        {
            foreach (var (name, judge) in ((string, Func<string, Outcome>)[])
            [
                ("maxmemory-policy", value => value == "noeviction" ? Outcome.Ok : Outcome.Fail),
                ("appendonly", value => value == "yes" ? Outcome.Ok : Outcome.Fail),
                ("appendfsync", value => value == "no" ? Outcome.Warn : Outcome.Ok),
            ])
            {
                var value = (await redis.ExecuteAsync(["CONFIG", "GET", name], stop))[name].Text;
                var text = $"{name} is {value}";
                switch (value is null ? Outcome.NotEvaluated : judge(value))
                {
                    case Outcome.NotEvaluated: verdict.Unseen($"{name} may not be asked for"); break;
                    case Outcome.Fail: verdict.Fail(text); break;
                    case Outcome.Warn: verdict.Warn(text); break;
                    default: verdict.Ok(text); break;
                }
            }

            return verdict.Finding();
        }
        catch (StreamsUnavailableException)
        {
            return Finding.NotEvaluated($"Redis does not answer at {target.Options.Host}");
        }
    }

    private static async Task<Finding> UsersAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var (role, options) in Targets(deployment, verdict))
        {
            if (Deployment.IsPublicAddress(options.Host)) verdict.Fail($"{role} reaches Redis at the public address {options.Host}");
            if (options.User is null or "default")
            {
                verdict.Warn($"{role} is Redis' default user");
                continue;
            }

            await using var redis = new RedisConnection(options);
            try
            {
                // A key that belongs to no service: whoever may read it may read everything.
                var reply = await redis.ExecuteAsync(["GET", "caracal:harden:foreign"], stop);
                if (reply.Kind == RespKind.Error && reply.ErrorCode == "NOPERM") verdict.Ok("every service is a user of its own, for its own keys");
                else verdict.Warn($"{options.User} may touch keys that are not {role}'s");
            }
            catch (StreamsUnavailableException)
            {
                verdict.Unseen($"{role} does not reach Redis");
            }
        }

        await DefaultUserAsync(deployment, verdict, stop);
        return verdict.Finding(Nothing(deployment));
    }

    // Only an administrator may look at another user, and the administrator's address is not everywhere.
    private static async Task DefaultUserAsync(Deployment deployment, Verdict verdict, CancellationToken stop)
    {
        if (new AdministratorAccess(deployment.Variables).Secret("REDIS_URL", "redisUrl")?.Reveal() is not { } url) return;
        if (!RedisOptions.TryParse(url, out var options, out var fault))
        {
            verdict.Fail($"the administrator's REDIS_URL {fault}");
            return;
        }

        await using var redis = new RedisConnection(options with { ClientName = "caracal-harden" });
        try
        {
            var user = await redis.ExecuteAsync(["ACL", "GETUSER", "default"], stop);
            if (user.Kind == RespKind.Error) verdict.Unseen("the administrator may not look at Redis' default user");
            else if (user["flags"].Items.ToArray().Any(flag => flag.Text == "on") && user["commands"].Text is "+@all") verdict.Warn("Redis' default user is on and may run everything");
        }
        catch (StreamsUnavailableException)
        {
            verdict.Unseen("the administrator does not reach Redis");
        }
    }

    private static Finding Transport(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var (role, options) in Targets(deployment, verdict))
        {
            if (options.UseTls || Deployment.IsNear(options.Host)) verdict.Ok("rediss://, or a host of the private network");
            else verdict.Fail($"{role} speaks redis:// to {options.Host}");
        }

        return verdict.Finding(Nothing(deployment));
    }

    /// <summary>Whether every service is let in and answered: <c>AUTH</c> and <c>PING</c>.</summary>
    public static async Task<Finding> LoginsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var (role, options) in Targets(deployment, verdict))
        {
            await using var redis = new RedisConnection(options);
            try
            {
                var reply = await redis.ExecuteAsync(["PING"], stop);
                if (reply.Kind == RespKind.Error) verdict.Fail($"{role} is refused by Redis at {options.Host}: {reply.ErrorCode}");
                else verdict.Ok("every service is let in");
            }
            catch (StreamsUnavailableException)
            {
                verdict.Fail($"{role} does not reach Redis at {options.Host}, or is not let in");
            }
        }

        return verdict.Finding(Nothing(deployment));
    }

    private static string Nothing(Deployment deployment) => deployment.IsEmbedded ? "the embedded store uses no Redis" : "no REDIS_URL is set";

    private static List<(string Role, RedisOptions Options)> Targets(Deployment deployment, Verdict verdict)
    {
        var targets = new List<(string, RedisOptions)>();
        foreach (var role in StackRoles.Services)
        {
            if (deployment.Secret(role, "REDIS_URL", role + "RedisUrl") is not { } url) continue;
            if (RedisOptions.TryParse(url.Value.Reveal(), out var options, out var fault)) targets.Add((role, options with { ClientName = "caracal-harden" }));
            else verdict.Fail($"{role}: REDIS_URL {fault}");
        }

        return targets;
    }
}
