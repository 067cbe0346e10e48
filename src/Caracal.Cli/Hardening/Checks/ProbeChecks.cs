using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Caracal.Hosting.StsCalls;
using Caracal.Keys.Secrets;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Stack;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Requests that must be refused, sent to the running services. None of them can succeed in changing anything.</summary>
internal static class ProbeChecks
{
    private const string Exchange = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    private const string NoToken = "harden-probe-no-token-harden-probe-no-token";

    private static readonly string[] MetadataAddresses = ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"];

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-ENF-1", "STS refuses", "live probes of the STS", "bad secret, unknown resource, unknown grant, missing body and a replayed nonce are refused",
            "authority is issued without proof",
            "Stop the STS and find out what answers in its place.",
            StsAsync),
        new(
            "H-ENF-2", "Gateway refuses", "live probes of the Gateway", "no bearer, no resource, a forged signature, encoded dots and metadata addresses are refused",
            "enforcement can be bypassed",
            "Stop the Gateway and find out what answers in its place.",
            GatewayAsync),
        new(
            "H-ENF-3", "Control and the administration refuse", "live probes of the API, CARACAL_CONTROL_ENABLED", "unauthenticated and forged requests are refused; Control is off, or gated and refuses replay",
            "remote management without guard",
            "Stop the API and find out what answers in its place; turn Control off where nobody needs it.",
            AdministrationAsync),
    ];

    private static async Task<Finding> StsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();

        // Another one each time: who tries too often is told 429, which says nothing about the secret.
        var stranger = $"application_id=harden-{Ids.New()}&client_secret=harden-probe-no-secret&zone_id=harden-probe";
        await Probe.RunAsync(
            deployment,
            [
                Token("a bad secret", $"{Exchange}&{stranger}&resource=resource%3A%2F%2Fharden-probe"),
                Token("an unknown resource", $"{Exchange}&{stranger}&resource=resource%3A%2F%2Fharden-probe-unknown&scope=harden%3Aprobe"),
                Token("an unknown grant", "grant_type=password&username=harden&password=probe"),
                Token("a missing body", "") with { Refusals = [400, 413, 415] },
            ],
            verdict, stop);
        await NonceAsync(deployment, verdict, stop);
        return verdict.Finding();
    }

    private static Probe Token(string what, string form) => new(StackRoles.Sts, what, HttpMethod.Post, "/oauth/2/token", form);

    // A call signed as the Gateway signs it: once it is good, and the same again is a replay.
    private static async Task NonceAsync(Deployment deployment, Verdict verdict, CancellationToken stop)
    {
        if (deployment.Secrets(StackRoles.Gateway).HmacRing(SecretFiles.GatewayStsHmacKey, required: false) is not { } ring)
        {
            verdict.Unseen($"{SecretFiles.GatewayStsHmacKey} is not here, so that no nonce can be replayed");
            return;
        }

        var timestamp = deployment.Time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var nonce = GatewaySignature.NewNonce();
        var signed = new Probe(StackRoles.Sts, "a replayed nonce", HttpMethod.Post, SignedStsCall.PingPath)
        {
            Headers =
            [
                (GatewaySignature.TimestampHeader, timestamp), (GatewaySignature.NonceHeader, nonce),
                (GatewaySignature.SignatureHeader, GatewaySignature.Sign(ring, timestamp, nonce, "POST", SignedStsCall.PingPath, [])),
            ],
            Refusals = [401],
        };
        var first = await deployment.Services.AskAsync(signed.Service, signed.Path, stop, method: signed.Method, headers: signed.Headers);
        if (first.Status == 200) await Probe.RunAsync(deployment, [signed], verdict, stop);
        else verdict.Unseen(first.Answered ? $"sts answers {first.Status} to a signed call, so that its nonce cannot be replayed" : first.Body);
    }

    private static async Task<Finding> GatewayAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        var forged = Forged(deployment.Time.GetUtcNow().AddMinutes(10));
        (string, string)[] named = [(CaracalHeaders.Resource, "resource://harden-probe")];
        await Probe.RunAsync(
            deployment,
            [
                Call("no bearer", "/harden-probe") with { Refusals = [401] },
                Call("a bearer that is none", "/harden-probe") with { Bearer = "harden.probe.none" },
                Call("no resource", "/harden-probe") with { Bearer = forged, Says = "missing routing headers" },
                Call("encoded dots", "/%2e%2e/harden-probe") with { Bearer = forged, Headers = named, Says = "path traversal" },
                Call("a forged signature", "/harden-probe") with { Bearer = forged, Headers = named, Refusals = [401] },
            ],
            verdict, stop);
        foreach (var address in MetadataAddresses) await EgressAsync(deployment, address, verdict, stop);
        return verdict.Finding();
    }

    private static Probe Call(string what, string path) => new(StackRoles.Gateway, what, HttpMethod.Get, path);

    // Well formed, so that the Gateway gets as far as the check that is meant; signed by nobody.
    private static string Forged(DateTimeOffset expires)
    {
        var claims = JsonSerializer.Serialize(new
        {
            iss = "harden-probe",
            sub = "harden-probe",
            aud = "resource://harden-probe",
            exp = expires.ToUnixTimeSeconds(),
            iat = expires.ToUnixTimeSeconds() - 600,
            jti = "harden-probe",
            zone_id = "harden-probe",
            client_id = "harden-probe",
        });
        return $"{Part("""{"alg":"ES256","typ":"JWT","kid":"harden-probe"}""")}.{Part(claims)}.{Base64Url.EncodeToString(new byte[64])}";
    }

    private static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    // No resource of a metadata address can be made for this; the Gateway says what its own guard decides.
    private static async Task EgressAsync(Deployment deployment, string address, Verdict verdict, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(StackRoles.Gateway, $"/internal/egress/{address}", stop, deployment.Services.Token(SecretFiles.MetricsBearer));
        if (reply.Status != 200 || LiveServices.Json(reply.Body) is not { } told) verdict.Unseen(reply.Answered ? $"the Gateway does not tell whether it would call {address}" : reply.Body);
        else if ((bool?)told["allowed"] == false) verdict.Ok("every probe was refused");
        else verdict.Fail($"the Gateway would call {address}");
    }

    private static async Task<Finding> AdministrationAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        await Probe.RunAsync(
            deployment,
            [
                new(StackRoles.Api, "no token", HttpMethod.Get, "/v1/zones") { Refusals = [401] },
                new(StackRoles.Api, "a token that is none", HttpMethod.Get, "/v1/zones") { Bearer = NoToken, Refusals = [401] },
                new(StackRoles.Coordinator, "the Coordinator without a token", HttpMethod.Get, "/zones/harden-probe/agents") { Refusals = [401] },
            ],
            verdict, stop);
        await ControlAsync(deployment, verdict, stop);
        return verdict.Finding();
    }

    // Exactly "true" enables it (control.md 1); what runs decides, what is only written down says what the next start would do.
    private static async Task ControlAsync(Deployment deployment, Verdict verdict, CancellationToken stop)
    {
        const string Enabling = "CARACAL_CONTROL_ENABLED";
        var seen = await deployment.Effective.FindAsync(Enabling, [StackRoles.Api], stop);
        var tells = await deployment.Effective.TellsAsync(StackRoles.Api, stop);
        var enabled = seen.Any(setting => setting.Value == "true" && (!tells || setting.Who != StackRoles.Api));
        var reply = await deployment.Services.AskAsync(StackRoles.Api, "/v1/control/invoke", stop, bearer: null, HttpMethod.Post, "{}");
        if (!reply.Answered) verdict.Unseen(reply.Body);
        else if (!enabled && reply.Status == 404) verdict.Ok("every probe was refused");
        else if (!enabled) verdict.Fail($"Control is off, and answers {reply.Status}");
        else if (reply.Status == 503 && reply.Body.Contains("control_disabled", StringComparison.Ordinal)) verdict.Fail("Control is on and its gate file is not there: nobody can use it, so turn it off");
        else if (reply.Status == 401) await ReplayAsync(deployment, verdict, stop);
        else if (reply.Status is 429 or >= 500) verdict.Unseen($"Control answers {reply.Status}");
        else verdict.Fail($"Control answers {reply.Status} to who has no token");
    }

    private static async Task ReplayAsync(Deployment deployment, Verdict verdict, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(
            StackRoles.Api, "/internal/selftest/control", stop, deployment.Services.Token(SecretFiles.MetricsBearer), HttpMethod.Post, "{}");
        if (reply.Status != 200 || LiveServices.Json(reply.Body) is not { } told) verdict.Unseen(reply.Answered ? "Control does not tell whether a token works twice" : reply.Body);
        else if ((bool?)told["replay_refused"] == true) verdict.Ok("every probe was refused");
        else if ((string?)told["spent"] != "accepted" || (string?)told["spent_again"] != "accepted") verdict.Unseen($"Control answers {told["spent"]} and {told["spent_again"]} to its self test");
        else verdict.Fail("a token works twice at Control");
    }
}
