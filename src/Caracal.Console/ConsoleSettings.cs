using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Hosting.Settings;
using Caracal.Keys.Certificates;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Console;

/// <summary>Every setting of the console (operations.md 2, cli.md 3).</summary>
public sealed record ConsoleSettings
{
    public const string Role = "console";
    public const int DefaultPort = 3001;

    /// <summary>Longest life of a sign-in, in seconds: seven days, the overlap of <c>CARACAL_AUTH_SECRET</c> (operations.md 4.4).</summary>
    public const int LongestSession = 604_800;

    public required CaracalMode Mode { get; init; }
    public required ListenSettings Listen { get; init; }

    /// <summary>Base address of the API.</summary>
    public required string ApiUrl { get; init; }

    /// <summary>Who may have signed the API's certificate besides the system's authorities.</summary>
    public required ExtraAuthorities Authorities { get; init; }

    /// <summary>Seals sign-ins; null only in dev, where they then end with the process.</summary>
    public TokenRing? AuthSecret { get; init; }

    /// <summary><c>METRICS_BEARER</c>.</summary>
    public TokenRing? MetricsToken { get; init; }

    /// <summary><c>CONSOLE_REPORT_TOKEN</c>; without it the API is not told which keys this console holds.</summary>
    public TokenRing? ReportToken { get; init; }

    /// <summary>How long a sign-in lasts.</summary>
    public TimeSpan SessionLifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>True when browsers reach the console over https although it listens on http behind a proxy.</summary>
    public bool SecureOutside { get; init; }

    /// <summary>Reads every variable; the reader collects what is wrong.</summary>
    public static ConsoleSettings Read(SettingsReader reader) => new()
    {
        Mode = reader.Mode,
        Listen = ListenSettings.Read(reader, DefaultPort),
        ApiUrl = (reader.ServiceUrl("CARACAL_API_URL", null) ?? "").TrimEnd('/'),
        Authorities = ExtraAuthorities.Load(reader.Text("CARACAL_TLS_EXTRA_CA_FILE")),
        AuthSecret = reader.Secrets.TokenRing(SecretFiles.AuthSecret, reader.Published),
        MetricsToken = reader.Secrets.TokenRing(SecretFiles.MetricsBearer, required: false),
        ReportToken = reader.Secrets.TokenRing(SecretFiles.ConsoleReportToken, required: false),
        SessionLifetime = TimeSpan.FromSeconds(reader.Integer("CONSOLE_SESSION_SECONDS", 43_200, 60, LongestSession)),
        SecureOutside = reader.Text("CARACAL_WEB_URL")?.StartsWith("https://", StringComparison.OrdinalIgnoreCase) == true,
    };
}
