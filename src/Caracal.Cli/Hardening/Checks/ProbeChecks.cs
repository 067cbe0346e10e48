using Caracal.Stack;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Requests that must be refused, sent to the running services. None of them can succeed in changing anything.</summary>
internal static class ProbeChecks
{
    private const string Exchange = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-ENF-1", "STS refuses", "live probes of /oauth/2/token", "bad secret, unknown grant and missing body are refused",
            "authority is issued without proof",
            "Stop the STS and find out what answers in its place.",
            (deployment, stop) => RunAsync(
                deployment,
                [
                    new(StackRoles.Sts, "a bad secret", HttpMethod.Post, "/oauth/2/token",
                        $"{Exchange}&client_id=harden-probe&client_secret=harden-probe-no-secret&resource=harden-probe&zone_id=harden-probe"),
                    new(StackRoles.Sts, "an unknown grant", HttpMethod.Post, "/oauth/2/token", "grant_type=password&username=harden&password=probe"),
                    new(StackRoles.Sts, "a missing body", HttpMethod.Post, "/oauth/2/token", ""),
                ],
                stop)),
        new(
            "H-ENF-2", "Gateway refuses", "live probes of the Gateway", "no bearer, no resource, encoded dots are refused",
            "enforcement can be bypassed",
            "Stop the Gateway and find out what answers in its place.",
            (deployment, stop) => RunAsync(
                deployment,
                [
                    new(StackRoles.Gateway, "no bearer", HttpMethod.Get, "/harden-probe", null),
                    new(StackRoles.Gateway, "a bearer that is none", HttpMethod.Get, "/harden-probe", null) { Bearer = "harden.probe.none" },
                    new(StackRoles.Gateway, "encoded dots", HttpMethod.Get, "/%2e%2e/harden-probe", null) { Bearer = "harden.probe.none" },
                ],
                stop)),
        new(
            "H-ENF-3", "Control and the administration refuse", "live probes of the API", "unauthenticated and forged requests are refused",
            "remote management without guard",
            "Stop the API and find out what answers in its place.",
            (deployment, stop) => RunAsync(
                deployment,
                [
                    new(StackRoles.Api, "no token", HttpMethod.Get, "/v1/zones", null),
                    new(StackRoles.Api, "a token that is none", HttpMethod.Get, "/v1/zones", null) { Bearer = "harden-probe-no-token-harden-probe-no-token" },
                    new(StackRoles.Api, "Control without a token", HttpMethod.Post, "/v1/control/invoke", "{}"),
                    new(StackRoles.Coordinator, "the Coordinator without a token", HttpMethod.Get, "/zones/harden-probe/sessions", null),
                ],
                stop)),
    ];

    private static async Task<Finding> RunAsync(Deployment deployment, IReadOnlyList<Probe> probes, CancellationToken stop)
    {
        var verdict = new Verdict();
        foreach (var probe in probes)
        {
            var reply = await deployment.Services.AskAsync(probe.Service, probe.Path, stop, probe.Bearer, probe.Method, probe.Body);
            if (!reply.Answered) verdict.Unseen(reply.Body);
            else if (reply.Status is >= 400 and < 500) verdict.Ok("every probe was refused");
            else verdict.Fail($"{probe.Service} answers {probe.What} with {reply.Status}");
        }

        return verdict.Finding();
    }

    private sealed record Probe(string Service, string What, HttpMethod Method, string Path, string? Body)
    {
        public string? Bearer { get; init; }
    }
}
