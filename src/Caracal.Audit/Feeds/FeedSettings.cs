using Caracal.Hosting.Settings;
using Caracal.Keys.Secrets;

namespace Caracal.Audit.Feeds;

/// <summary>How an event is written as one line.</summary>
public enum FeedFormat
{
    /// <summary>OCSF 1.7.0 Authorization Activity as JSON.</summary>
    Ocsf,

    /// <summary>ArcSight Common Event Format.</summary>
    Cef,
}

/// <summary>Where the ledger is told as it grows; each that is set is a feed of its own.</summary>
public sealed record FeedSettings
{
    /// <summary><c>AUDIT_FEED_FILE</c>: lines are appended to it.</summary>
    public string? File { get; init; }

    /// <summary><c>AUDIT_FEED_FORMAT</c>: <c>ocsf</c> or <c>cef</c>, of file and syslog.</summary>
    public FeedFormat Format { get; init; }

    /// <summary><c>AUDIT_FEED_SYSLOG</c>: <c>host:port</c>, RFC 5424 over TCP with octet counting.</summary>
    public (string Host, int Port)? Syslog { get; init; }

    /// <summary><c>AUDIT_FEED_WEBHOOK_URL</c>: takes batches of OCSF lines.</summary>
    public Uri? Webhook { get; init; }

    /// <summary><c>AUDIT_FEED_WEBHOOK_SECRET</c>: signs them.</summary>
    public SecretText? WebhookSecret { get; init; }

    /// <summary><c>AUDIT_FEED_OTLP_URL</c>: an OTLP/HTTP logs endpoint, such as <c>https://collector:4318/v1/logs</c>.</summary>
    public Uri? Otlp { get; init; }

    public static FeedSettings Read(SettingsReader reader)
    {
        var webhook = Address(reader, "AUDIT_FEED_WEBHOOK_URL");
        var secret = reader.Secrets.Find("AUDIT_FEED_WEBHOOK_SECRET")?.Value;
        if (webhook is not null && secret is null) reader.Fault("AUDIT_FEED_WEBHOOK_SECRET is required with AUDIT_FEED_WEBHOOK_URL");
        return new FeedSettings
        {
            File = reader.Text("AUDIT_FEED_FILE"),
            Format = ReadFormat(reader),
            Syslog = ReadSyslog(reader),
            Webhook = webhook,
            WebhookSecret = secret,
            Otlp = Address(reader, "AUDIT_FEED_OTLP_URL"),
        };
    }

    private static FeedFormat ReadFormat(SettingsReader reader)
    {
        switch (reader.Text("AUDIT_FEED_FORMAT"))
        {
            case null or "ocsf":
                return FeedFormat.Ocsf;
            case "cef":
                return FeedFormat.Cef;
            default:
                reader.Fault("AUDIT_FEED_FORMAT must be ocsf or cef");
                return FeedFormat.Ocsf;
        }
    }

    private static (string Host, int Port)? ReadSyslog(SettingsReader reader)
    {
        if (reader.Text("AUDIT_FEED_SYSLOG") is not { } text) return null;
        if (Uri.TryCreate("tcp://" + text, UriKind.Absolute, out var address) && address.Port > 0 && address.PathAndQuery is "/" or "") return (address.Host, address.Port);
        reader.Fault("AUDIT_FEED_SYSLOG must be host:port");
        return null;
    }

    private static Uri? Address(SettingsReader reader, string name) =>
        reader.Text(name) is { } text && reader.Url(name, text) is { } url ? new Uri(url) : null;
}
