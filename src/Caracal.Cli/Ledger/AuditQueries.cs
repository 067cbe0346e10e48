using System.Globalization;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Storage.Ledger;

namespace Caracal.Cli.Ledger;

/// <summary><c>caracal audit tail</c> and <c>search</c>.</summary>
internal static class AuditQueries
{
    private const int PageSize = 1000;
    private static readonly TimeSpan FollowInterval = TimeSpan.FromMilliseconds(500);

    public static async Task<int> TailAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("zone", "count", "follow", "data", "json");
        await using var database = AuditCommand.Open(context);
        var ledger = new LedgerReader(database);
        var zone = await ZoneAsync(context, ledger);
        var head = await ledger.HeadAsync(zone, context.Stop);
        var after = Math.Max(0, head.Seq - context.Arguments.Integer("count", 20, 0, 100_000));
        while (true)
        {
            await foreach (var row in ledger.WalkAsync(zone, after, PageSize, context.Stop))
            {
                LedgerLines.Write(context, row);
                after = row.ChainSeq;
            }

            if (!context.Arguments.IsOn("follow")) return 0;
            await Task.Delay(FollowInterval, context.Stop);
        }
    }

    public static async Task<int> SearchAsync(CommandContext context)
    {
        var flags = context.Arguments;
        flags.RequireKnown("zone", "since", "until", "decision", "request", "type", "application", "session", "label", "after", "limit", "data", "json");
        await using var database = AuditCommand.Open(context);
        var ledger = new LedgerReader(database);
        var limit = flags.Integer("limit", 100, 1, 100_000);
        var rows = await ledger.SearchAsync(
            new LedgerQuery
            {
                ZoneId = await ZoneAsync(context, ledger),
                Since = Time(flags, "since") ?? DateTimeOffset.UnixEpoch,
                Until = Time(flags, "until") ?? DateTimeOffset.UnixEpoch.AddYears(1000),
                Decision = flags.Value("decision"),
                RequestId = flags.Value("request"),
                EventType = flags.Value("type"),
                ApplicationId = flags.Value("application"),
                SessionId = flags.Value("session"),
                Label = flags.Value("label"),
                AfterSeq = flags.Integer("after", 0, 0, int.MaxValue),
                Limit = limit,
            },
            context.Stop);
        foreach (var row in rows) LedgerLines.Write(context, row);
        if (rows.Count == limit) context.Terminal.WriteError($"there may be more: --after {rows[^1].ChainSeq.ToString(CultureInfo.InvariantCulture)}\n");
        return 0;
    }

    /// <summary>The zone that is asked for, or the only one there is.</summary>
    public static async Task<string> ZoneAsync(CommandContext context, LedgerReader ledger)
    {
        if (context.Arguments.Value("zone") is { } zone) return zone;
        var zones = await ledger.ZonesAsync(context.Stop);
        return zones.Count switch
        {
            0 => throw new CommandFailure("the ledger is empty"),
            1 => zones[0],
            _ => throw new CommandFailure($"--zone is needed; the ledger has {string.Join(", ", zones.Take(20))}"),
        };
    }

    private static DateTimeOffset? Time(Arguments flags, string name)
    {
        if (flags.Value(name) is not { } text) return null;
        return Rfc3339.TryParse(text, out var time) ? time : throw new CommandFailure($"--{name} must be an RFC 3339 time such as 2026-07-12T10:00:00Z");
    }
}
