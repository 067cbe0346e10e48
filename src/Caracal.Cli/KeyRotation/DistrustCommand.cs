using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Ledger;
using Caracal.Protocol;
using Caracal.Storage.AdminAudit;
using Caracal.Storage.Ledger;

namespace Caracal.Cli.KeyRotation;

/// <summary>
/// <c>caracal keys distrust</c>: others had an audit key. What its seals cover nobody has changed since; but from the time on when
/// they had it, they could have written it (operations.md 10). In the store itself, for its administrator.
/// </summary>
internal static class DistrustCommand
{
    public static async Task<int> RunAsync(CommandContext context, string key)
    {
        var who = Responsible.Read(context.Arguments);
        var now = TimeProvider.System.GetUtcNow();
        if (!Timestamps.TryParseUtc(context.Arguments.Value("after"), secondsOptional: true, out var after) || after > now)
        {
            throw new CommandFailure("--after is required: since when others may have had the key, such as 2026-07-12T10:00:00Z");
        }

        await using var database = ReencryptCommand.Open(context);
        var marked = await database.WriteAsync(async work =>
        {
            var rows = await EpochDistrust.MarkAsync(work, key, after, who.Actor, who.Reason, now)
                ?? throw new CommandFailure($"no sealed epoch is of {key}; caracal keys rotate audit-hmac --emergency --reason-kind compromise seals it");
            var told = new JsonObject { ["event"] = "distrusted", ["untrusted_after"] = Timestamps.Seconds(after) };
            await AdminAuditLedger.AppendAsync(work, who.Entry("keys distrust", "audit_key_distrust", "audit-key", key, told, now), LedgerKeys.Find(context)?.Current);
            return rows;
        }, context.Stop);
        if (context.Json) context.Terminal.Line(new JsonObject { ["key"] = key, ["untrusted"] = UntrustedJson.Of(marked) }.ToJsonString());
        else
        {
            context.Terminal.Table(
                ["CHAIN", "KEY", "FROM", "TO", "UNTRUSTED AFTER"],
                [.. marked.Select(rows => (IReadOnlyList<string?>)[rows.Chain, rows.KeyId, Text(rows.FirstSeq), Text(rows.LastSeq), Timestamps.Seconds(rows.UntrustedAfter)])]);
            if (marked.Count == 0) context.Terminal.Success($"no row of {key} is later than that");
            else context.Terminal.Info("caracal audit verify tells of them from now on; compare them with exports");
        }

        return 0;
    }

    private static string Text(long seq) => seq.ToString(CultureInfo.InvariantCulture);
}
