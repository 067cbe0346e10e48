using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.ControlPlane.Control;

/// <summary>Every setting of the Control plugin (control.md 1).</summary>
public sealed record ControlSettings
{
    /// <summary><c>CONTROL_GATE_FILE</c>: Control answers while this file exists; null keeps it shut.</summary>
    public required string? GateFile { get; init; }

    /// <summary><c>STS_JWKS_URL</c>: keys of an STS in another process.</summary>
    public required string JwksUrl { get; init; }

    /// <summary><c>STS_ISSUER_URL</c>: what <c>iss</c> must equal.</summary>
    public required string Issuer { get; init; }

    /// <summary><c>CONTROL_API_TOKEN</c>: the global write token the commands run with.</summary>
    public required SecretText ApiToken { get; init; }

    /// <summary><c>CARACAL_COORDINATOR_URL</c>: where Sessions and Delegations are.</summary>
    public required string CoordinatorUrl { get; init; }

    /// <summary><c>CARACAL_COORDINATOR_TOKEN</c>; null leaves the Session and Delegation commands unanswered.</summary>
    public TokenRing? CoordinatorToken { get; init; }

    /// <summary><c>CONTROL_RATE_CAPACITY</c>: invokes a subject may make at once.</summary>
    public int RateCapacity { get; init; } = 60;

    /// <summary><c>CONTROL_RATE_WINDOW_SEC</c>: how long an empty bucket takes to fill.</summary>
    public TimeSpan RateWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary><c>CONTROL_INVOKE_IP_RATE_LIMIT_PER_MIN</c>; 0 is off.</summary>
    public int AddressLimit { get; init; } = 120;

    /// <summary><c>CONTROL_REPLAY_TTL_SEC</c>: how long a spent token is remembered at most; a token that lives longer is refused.</summary>
    public TimeSpan ReplayMemory { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Null unless <c>CARACAL_CONTROL_ENABLED</c> is exactly <c>true</c>.</summary>
    public static ControlSettings? Read(SettingsReader reader, string coordinatorUrl)
    {
        if (reader.Text("CARACAL_CONTROL_ENABLED") != "true") return null;
        var token = reader.Secrets.Find("CONTROL_API_TOKEN")?.Value;
        if (token is null) reader.Fault("CONTROL_API_TOKEN is required while CARACAL_CONTROL_ENABLED=true");
        else if (reader.Published && SecretRules.TokenWeakness(token.Reveal()) is { } weakness) reader.Fault($"CONTROL_API_TOKEN {weakness}");
        return new ControlSettings
        {
            GateFile = reader.Text("CONTROL_GATE_FILE"),
            JwksUrl = RequiredUrl(reader, "STS_JWKS_URL"),
            Issuer = RequiredUrl(reader, "STS_ISSUER_URL"),
            ApiToken = token ?? new SecretText("unset"),
            CoordinatorUrl = coordinatorUrl,
            CoordinatorToken = reader.Secrets.TokenRing("CARACAL_COORDINATOR_TOKEN", required: false),
            RateCapacity = reader.Integer("CONTROL_RATE_CAPACITY", 60, 1, 1_000_000),
            RateWindow = TimeSpan.FromSeconds(reader.Integer("CONTROL_RATE_WINDOW_SEC", 60, 1, 86_400)),
            AddressLimit = reader.Integer("CONTROL_INVOKE_IP_RATE_LIMIT_PER_MIN", 120, 0),
            ReplayMemory = TimeSpan.FromSeconds(reader.Integer("CONTROL_REPLAY_TTL_SEC", 3_600, 1, 86_400)),
        };
    }

    private static string RequiredUrl(SettingsReader reader, string name)
    {
        if (reader.Text(name) is null) reader.Fault($"{name} is required while CARACAL_CONTROL_ENABLED=true");
        return reader.ServiceUrl(name, null) ?? "";
    }
}
