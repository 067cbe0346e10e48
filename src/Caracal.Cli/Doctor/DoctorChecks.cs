using Caracal.Cli.Hardening;
using Caracal.Cli.Hardening.Checks;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Doctor;

/// <summary>Every question of <c>caracal doctor</c>, in the order of its report.</summary>
internal static class DoctorChecks
{
    private static readonly TimeSpan SkewWarning = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SkewFailure = TimeSpan.FromSeconds(30);

    public static IReadOnlyList<DoctorCheck> System { get; } =
    [
        new("health", "api health", "See whether the API runs: caracal status.", HealthAsync),
        new("health", "clock", "Set the clock of this machine, or of the API's, by NTP.", ClockAsync),
        new("health", "admin token", "Set CARACAL_ADMIN_TOKEN or CARACAL_SECRETS_DIR to what the API has.", AdminAsync),
        .. LiveServices.Names.Select(service => new DoctorCheck(
            "readiness", service, $"The reason is in the log of {service}.", (deployment, stop) => ReadyAsync(deployment, service, stop))),
        Borrowed("readiness", "metrics", "H-MON-1"),
        Borrowed("readiness", "dead letters and lag", "H-MON-2"),
        Borrowed("readiness", "ledger sweeps", "H-MON-4"),
        .. ServiceFigures.All,
        .. ZoneQuestions.All,
        Borrowed("zones", "active policy sets", "H-POL-1"),
        .. Preflight(),
        new("keys", "D-KEY-1 issuer and JWKS", "Give verifiers the STS's issuer and its JWKS address; they keep a JWKS for up to five minutes.", PublishedKeysCheck.InspectAsync),
        new("keys", "D-KEY-2 audit key", "Give every service the same AUDIT_HMAC_KEY.", (deployment, stop) => HeldAsync(deployment, KeyClass.AuditHmac, StackRoles.Services, stop)),
        new("keys", "D-KEY-3 streams key", "Give every service the same STREAMS_HMAC_KEY.", (deployment, stop) => HeldAsync(deployment, KeyClass.StreamsHmac, StackRoles.Services, stop)),
        new("keys", "D-KEY-4 Gateway-STS key", "Give Gateway, API and STS the same GATEWAY_STS_HMAC_KEY.",
            (deployment, stop) => HeldAsync(deployment, KeyClass.GatewayStsHmac, [StackRoles.Gateway, StackRoles.Api, StackRoles.Sts], stop)),
        new("keys", "D-KEY-5 open rotations", "Finish or abandon it: caracal keys status.", (deployment, stop) => AuthorityChecks.AskAsync(deployment, AuthorityChecks.RotationsAsync, stop)),
        new("keys", "D-KEY-6 ages", "Rotate it: caracal keys rotate.", AgesAsync),
        new("keys", "D-KEY-7 registry", "Bring in a new key by caracal keys prepare; after a disaster, caracal keys adopt.", RegistryCheck.InspectAsync),
    ];

    /// <summary>What can be asked before anything runs.</summary>
    public static IReadOnlyList<DoctorCheck> BeforeStart { get; } = [.. Preflight()];

    private static IEnumerable<DoctorCheck> Preflight() =>
    [
        new("preflight", "mode", "Set CARACAL_MODE to dev, rc or stable, or leave it unset.", Check.Look(Mode)),
        new("preflight", "keys and tokens", "Let caracal up or caracal provision generate what is missing.", Check.Look(Keys)),
        new("preflight", "certificates", "Set TLS_CERT_FILE and TLS_KEY_FILE together; renew what expires.", CertificatesAsync),
        new("preflight", "PostgreSQL login", "Run caracal provision.", PostgresAsync),
        new("preflight", "Redis login", "Start Redis; run caracal provision, and give each service its own URL.", RedisChecks.LoginsAsync),
    ];

    // The same question under both commands has one answer.
    private static DoctorCheck Borrowed(string section, string name, string id)
    {
        var check = CheckList.All.Single(check => check.Id == id);
        return new DoctorCheck(section, name, check.Advice, check.InspectAsync) { SameAs = id };
    }

    private static async Task<Finding> HealthAsync(Deployment deployment, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(StackRoles.Api, "/health", stop);
        return reply.Status == 200 ? Finding.Ok("the API answers") : Finding.Fail(reply.Answered ? $"the API answers {reply.Status}" : reply.Body);
    }

    private static async Task<Finding> ClockAsync(Deployment deployment, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(StackRoles.Api, "/health", stop);
        if (reply.Date is not { } date) return Finding.NotEvaluated(reply.Answered ? "the API tells no date" : reply.Body);

        // The header has whole seconds, cut off: half a second later is its best reading.
        var skew = (deployment.Time.GetUtcNow() - date.AddSeconds(0.5)).Duration();
        var text = $"{skew.TotalSeconds:F0} s apart";
        return skew >= SkewFailure ? Finding.Fail(text) : skew >= SkewWarning ? Finding.Warn(text) : Finding.Ok(text);
    }

    // Of a key beyond twice its age harden complains; the doctor only says that it is time.
    private static async Task<Finding> AgesAsync(Deployment deployment, CancellationToken stop)
    {
        var ages = await AuthorityChecks.AskAsync(deployment, AuthorityChecks.KeyAgesAsync, stop);
        return ages.Outcome == Outcome.Fail ? Finding.Warn(ages.Detail) : ages;
    }

    private static async Task<Finding> AdminAsync(Deployment deployment, CancellationToken stop)
    {
        if (deployment.Services.Token(SecretFiles.AdminToken) is not { } token) return Finding.Fail($"{SecretFiles.AdminToken} is not set");
        var reply = await deployment.Services.AskAsync(StackRoles.Api, "/v1/zones", stop, token);
        return reply.Status == 200 ? Finding.Ok("the API takes the admin token")
            : reply.Answered ? Finding.Fail($"the API answers the admin token with {reply.Status}")
            : Finding.Fail(reply.Body);
    }

    private static async Task<Finding> ReadyAsync(Deployment deployment, string service, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(service, "/ready", stop);
        return reply.Status == 200 ? Finding.Ok("ready")
            : Finding.Fail(reply.Answered ? $"{reply.Status} {Commands.ServiceProbe.Reason(reply.Body)}".TrimEnd() : reply.Body);
    }

    private static Finding Mode(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var role in deployment.Roles)
        {
            if (deployment.Mode(role) is { } mode) verdict.Ok(Hosting.CaracalModes.ToText(mode));
            else verdict.Fail($"{role}: CARACAL_MODE is none of dev, rc, stable");
        }

        return verdict.Finding();
    }

    private static Finding Keys(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var problem in Processes.StackPreflight.SecretProblems(deployment.Secrets(role: null))) verdict.Fail(problem);
        verdict.Ok("present and strong enough");
        return verdict.Finding();
    }

    private static async Task<Finding> CertificatesAsync(Deployment deployment, CancellationToken stop)
    {
        foreach (var role in deployment.Roles)
        {
            if (deployment.Setting(role, "TLS_CERT_FILE") is null != deployment.Setting(role, "TLS_KEY_FILE") is null)
            {
                return Finding.Fail($"{role}: TLS_CERT_FILE and TLS_KEY_FILE are not both set");
            }
        }

        var found = await TlsChecks.All.Single(check => check.Id == "H-TLS-3").InspectAsync(deployment, stop);
        return found.Outcome == Outcome.NotEvaluated ? Finding.Ok("none is configured") : found;
    }

    private static async Task<Finding> PostgresAsync(Deployment deployment, CancellationToken stop)
    {
        var found = await PostgresChecks.All.Single(check => check.Id == "H-PG-2").InspectAsync(deployment, stop);
        return found.Outcome == Outcome.NotEvaluated && !deployment.IsEmbedded ? Finding.Fail(found.Detail) : found;
    }

    // Every instance by its heartbeat, beside the one of each service that answers at the service's address.
    private static async Task<Finding> HeldAsync(Deployment deployment, string classId, IReadOnlyList<string> roles, CancellationToken stop)
    {
        var held = await KeyChecks.HeldAsync(deployment, classId, roles, stop);
        var verdict = new Verdict();
        foreach (var role in roles.Where(role => !held.ContainsKey(role))) verdict.Unseen($"{role} does not tell its keys");
        var others = (await LiveInstances.ListAsync(deployment, stop))
            .Where(instance => roles.Contains(instance.Service) && instance.Current.TryGetValue(classId, out var sid) && held.GetValueOrDefault(instance.Service) != sid);
        foreach (var instance in others) held[instance.Name] = instance.Current[classId];
        if (held.Values.Distinct(StringComparer.Ordinal).Count() > 1) verdict.Fail(string.Join(", ", held.Select(pair => $"{pair.Key} has {pair.Value}")));
        else if (held.Count > 0) verdict.Ok(held.Values.First());
        return verdict.Finding();
    }
}
