using System.Globalization;
using Caracal.Hosting.Settings;
using Caracal.Stack;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Where the Gateway may go, what it takes in, and who may reach what is not public.</summary>
internal static class NetworkChecks
{
    private const string AllowlistName = "UPSTREAM_HOST_ALLOWLIST";
    private static readonly string[] UpstreamRoles = [StackRoles.Gateway, StackRoles.Sts, StackRoles.Api];
    private const long LargestRequest = 10 * 1024 * 1024;
    private static readonly TimeSpan LongestExchange = TimeSpan.FromSeconds(15);
    private static readonly (string Service, string Path, string What)[] LimitedRoutes =
        [(StackRoles.Sts, "/step-up/harden-probe", "step-up"), (StackRoles.Api, "/v1/zones", "the administration")];

    private static readonly string[] InnerRoles = [StackRoles.Audit, StackRoles.Coordinator];

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-NET-1", "private upstreams", "ALLOW_PRIVATE_UPSTREAMS", "unset, or with an allowlist",
            "agents reach internal services and metadata endpoints through the Gateway",
            "Unset ALLOW_PRIVATE_UPSTREAMS, or name the hosts in UPSTREAM_HOST_ALLOWLIST.",
            PrivateUpstreamsAsync)
        {
            BeforeTraffic = true,
            Repairs = deployment => Allowlist(deployment) is null ? OperatorFile.RemoveWhere(deployment, "ALLOW_PRIVATE_UPSTREAMS", _ => true) : [],
        },
        new(
            "H-NET-2", "upstream allowlist", "UPSTREAM_HOST_ALLOWLIST", "the hosts that resources use",
            "any public host may become an upstream",
            "Set UPSTREAM_HOST_ALLOWLIST.",
            AllowlistAsync)
        { BeforeTraffic = true, Required = false },
        new(
            "H-NET-3", "size of requests", "MAX_REQUEST_BYTES", "10 MiB or less",
            "large requests exhaust the Gateway's memory",
            "Lower MAX_REQUEST_BYTES.",
            (deployment, stop) => LimitAsync(deployment, "MAX_REQUEST_BYTES", IsTooLarge, stop))
        {
            Required = false,
            Repairs = deployment => OperatorFile.RemoveWhere(deployment, "MAX_REQUEST_BYTES", IsTooLarge),
        },
        new(
            "H-NET-4", "time of an exchange", "STS_TIMEOUT", "15 s or less",
            "slow callers pin Gateway resources",
            "Lower STS_TIMEOUT.",
            (deployment, stop) => LimitAsync(deployment, "STS_TIMEOUT", IsTooLong, stop))
        {
            Required = false,
            Repairs = deployment => OperatorFile.RemoveWhere(deployment, "STS_TIMEOUT", IsTooLong),
        },
        new(
            "H-NET-5", "rate limits of step-up and admin routes", "the edge in front", "a RateLimit header in its answers",
            "credentials can be tried by brute force",
            "Put a rate limit in front of the API and of the step-up routes.",
            LimitsAsync) { Required = false },
        new(
            "H-NET-6", "what is not for the public", "HOST of Audit and Coordinator, published ports", "loopback, or inside the cluster",
            "direct access bypasses policy",
            "Bind Audit and Coordinator to loopback or to the private network; publish neither them nor PostgreSQL nor Redis.",
            Check.Look(Published)),
    ];

    private static async Task<Finding> PrivateUpstreamsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        var open = (await deployment.Effective.FindAsync("ALLOW_PRIVATE_UPSTREAMS", UpstreamRoles, stop)).Where(seen => seen.IsOn).ToList();
        var lists = await deployment.Effective.FindAsync(AllowlistName, [StackRoles.Gateway], stop);
        foreach (var seen in open)
        {
            // The list of the one that runs bounds the one that runs; a list that is only written down does not, yet.
            var running = seen.Who.StartsWith("the running ", StringComparison.Ordinal);
            var list = lists.FirstOrDefault(list => list.Who.StartsWith("the running ", StringComparison.Ordinal) == running)?.Value;
            if (list is null) verdict.Fail($"{seen.Who}: private upstreams are allowed, and every one of them");
            else verdict.Warn($"{seen.Who}: private upstreams are allowed among {list}");
        }

        verdict.Ok("private upstreams are refused");
        return verdict.Finding();
    }

    private static string? Allowlist(Deployment deployment) => deployment.Setting(StackRoles.Gateway, AllowlistName);

    private static async Task<Finding> AllowlistAsync(Deployment deployment, CancellationToken stop)
    {
        if (Allowlist(deployment) is not { } list) return Finding.Warn($"{AllowlistName} is empty");
        var running = (await deployment.Effective.FindAsync(AllowlistName, [StackRoles.Gateway], stop)).Any(seen => seen.Who != StackRoles.Gateway);
        return running || !await deployment.Effective.TellsAsync(StackRoles.Gateway, stop)
            ? Finding.Ok(list)
            : Finding.Warn($"the running Gateway has no {AllowlistName}; restart it with {list}");
    }

    private static async Task<Finding> LimitAsync(Deployment deployment, string name, Func<string, bool> beyond, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var seen in await deployment.Effective.FindAsync(name, [StackRoles.Gateway], stop))
        {
            if (beyond(seen.Value)) verdict.Warn($"{name} is {seen.Value} for {seen.Who}");
            else verdict.Ok(seen.Value);
        }

        return verdict.Finding() is { Outcome: not Outcome.NotEvaluated } found ? found : Finding.Ok("the default");
    }

    private static bool IsTooLarge(string text) => !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) || bytes > LargestRequest;

    private static bool IsTooLong(string text) => !Durations.TryParse(text, out var time) || time > LongestExchange;

    // The services limit by caller and by client without announcing it; what is announced comes from the edge in front.
    private static async Task<Finding> LimitsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var (service, path, what) in LimitedRoutes)
        {
            var reply = await deployment.Services.AskAsync(service, path, stop);
            if (!reply.Answered) verdict.Unseen(reply.Body);
            else if (reply.AnnouncesLimit) verdict.Ok("the edge announces its limits");
            else verdict.Warn($"no rate limit is announced in front of {what}");
        }

        return verdict.Finding();
    }

    private static Finding Published(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var role in InnerRoles)
        {
            var host = deployment.Setting(role, "HOST");
            if (host is not null && Deployment.IsLoopback(host)) verdict.Ok("loopback only");
            else if (host is not null && Deployment.IsPublicAddress(host)) verdict.Fail($"{role} listens on {host}");
            else verdict.Unseen($"{role} listens on every address of its host; whether its port is published is not seen from here");
        }

        foreach (var name in deployment.Objects?.Published ?? []) verdict.Fail($"{name} is published beyond loopback");
        return verdict.Finding();
    }
}
