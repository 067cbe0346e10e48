using System.Globalization;
using Caracal.Hosting.Settings;
using Caracal.Stack;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Where the Gateway may go, what it takes in, and who may reach what is not public.</summary>
internal static class NetworkChecks
{
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
            Check.Look(PrivateUpstreams))
        {
            BeforeTraffic = true,
            Repairs = deployment => Allowlist(deployment) is null ? OperatorFile.RemoveWhere(deployment, "ALLOW_PRIVATE_UPSTREAMS", _ => true) : [],
        },
        new(
            "H-NET-2", "upstream allowlist", "UPSTREAM_HOST_ALLOWLIST", "the hosts that resources use",
            "any public host may become an upstream",
            "Set UPSTREAM_HOST_ALLOWLIST.",
            Check.Look(deployment => Allowlist(deployment) is { } list ? Finding.Ok(list) : Finding.Warn("UPSTREAM_HOST_ALLOWLIST is empty")))
        { BeforeTraffic = true, Required = false },
        new(
            "H-NET-3", "size of requests", "MAX_REQUEST_BYTES", "10 MiB or less",
            "large requests exhaust the Gateway's memory",
            "Lower MAX_REQUEST_BYTES.",
            Check.Look(RequestSize))
        {
            Required = false,
            Repairs = deployment => OperatorFile.RemoveWhere(deployment, "MAX_REQUEST_BYTES", IsTooLarge),
        },
        new(
            "H-NET-4", "time of an exchange", "STS_TIMEOUT", "15 s or less",
            "slow callers pin Gateway resources",
            "Lower STS_TIMEOUT.",
            Check.Look(ExchangeTime))
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

    private static Finding PrivateUpstreams(Deployment deployment)
    {
        var open = deployment.IsOn(StackRoles.Gateway, "ALLOW_PRIVATE_UPSTREAMS") || deployment.IsOn(StackRoles.Sts, "ALLOW_PRIVATE_UPSTREAMS")
            || deployment.IsOn(StackRoles.Api, "ALLOW_PRIVATE_UPSTREAMS");
        return !open ? Finding.Ok("private upstreams are refused")
            : Allowlist(deployment) is { } list ? Finding.Warn($"private upstreams are allowed among {list}")
            : Finding.Fail("private upstreams are allowed, and every one of them");
    }

    private static string? Allowlist(Deployment deployment) => deployment.Setting(StackRoles.Gateway, "UPSTREAM_HOST_ALLOWLIST");

    private static Finding RequestSize(Deployment deployment) =>
        deployment.Setting(StackRoles.Gateway, "MAX_REQUEST_BYTES") is not { } text ? Finding.Ok("the default")
        : IsTooLarge(text) ? Finding.Warn($"MAX_REQUEST_BYTES is {text}")
        : Finding.Ok(text);

    private static Finding ExchangeTime(Deployment deployment) =>
        deployment.Setting(StackRoles.Gateway, "STS_TIMEOUT") is not { } text ? Finding.Ok("the default")
        : IsTooLong(text) ? Finding.Warn($"STS_TIMEOUT is {text}")
        : Finding.Ok(text);

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
