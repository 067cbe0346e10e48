using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Feeds;

/// <summary>Somebody who is told of every event, in the order of its zone's chain.</summary>
internal interface IFeedSink
{
    /// <summary>Names its cursor.</summary>
    string Name { get; }

    /// <summary>Returns when the receiver has them all; whatever it throws, they come again.</summary>
    Task SendAsync(IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken);
}

/// <summary>The receivers that settings name.</summary>
internal static class FeedSinks
{
    public static IEnumerable<IFeedSink> Of(FeedSettings settings, FeedHttp http, TimeProvider time)
    {
        if (settings.File is { } file) yield return new FileFeed(file, settings.Format);
        if (settings.Syslog is { } server) yield return new SyslogFeed(server, settings.Format);
        if (settings.Webhook is { } webhook) yield return new WebhookFeed(webhook, settings.WebhookSecret!, http, time);
        if (settings.Otlp is { } otlp) yield return new OtlpFeed(otlp, http);
    }
}
