using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Ledger;
using Caracal.Evidence.AdminAudit;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Storage.AdminAudit;
using Caracal.Storage.Reencryption;

namespace Caracal.Cli.KeyRotation;

/// <summary>
/// <c>caracal keys reencrypt --compromised</c> and <c>caracal keys tasks</c>: what stood under a key-encryption key in wrong hands
/// is known to them, and has to be changed, value by value (operations.md 4.6.1). In the store itself, for its administrator.
/// </summary>
internal static class ExposureCommand
{
    /// <summary>A task for every value that <paramref name="kek"/> opens; with <c>--dry-run</c> only their list.</summary>
    public static async Task<int> OpenAsync(CommandContext context, Kek kek)
    {
        if (context.Arguments.IsOn("dry-run")) return await ForecastAsync(context, kek);
        var who = Responsible.Read(context.Arguments);
        await using var database = ReencryptCommand.Open(context);
        var tasks = await database.WriteAsync(async work =>
        {
            var now = TimeProvider.System.GetUtcNow();
            await ExposureTaskStore.OpenAsync(work, kek, who.Actor, who.Reason, now);
            await AdminAuditLedger.AppendAsync(work, Entry(who, "opened", kek.IdHex, now), LedgerKeys.Find(context)?.Current);
            return (await ExposureTaskStore.ListAsync(work.Connection, closedToo: false)).Where(task => task.Kid == kek.IdHex).ToList();
        }, context.Stop);
        if (context.Json) context.Terminal.Line(MustRotate(kek, tasks.Select(Json)));
        else
        {
            Print(context, tasks);
            context.Terminal.Info($"{tasks.Count} values can be opened with {kek.IdHex}; caracal keys tasks shows what is left");
        }

        return 0;
    }

    private static async Task<int> ForecastAsync(CommandContext context, Kek kek)
    {
        await using var database = ReencryptCommand.Open(context);
        var values = await database.ReadAsync(connection => ExposureTaskStore.ExposedAsync(connection, kek), context.Stop);
        if (context.Json) context.Terminal.Line(MustRotate(kek, values.Select(value => Json(value.Kind, value.ZoneId, value.Item, value.Then))));
        else
        {
            context.Terminal.Table(["WHAT", "ZONE", "ID", "THEN"], [.. values.Select(value => (IReadOnlyList<string?>)[value.Kind, value.ZoneId, value.Item, value.Then])]);
            context.Terminal.Info($"{values.Count} values can be opened with {kek.IdHex}; nothing was written");
        }

        return 0;
    }

    /// <summary>Exit 1 while a task is open.</summary>
    public static async Task<int> ListAsync(CommandContext context)
    {
        await using var database = ReencryptCommand.Open(context);
        var tasks = await database.ReadAsync(connection => ExposureTaskStore.ListAsync(connection, context.Arguments.IsOn("all")), context.Stop);
        if (context.Json)
        {
            foreach (var task in tasks) context.Terminal.Line(Json(task).ToJsonString());
        }
        else Print(context, tasks);

        return tasks.Any(task => task.ClosedAt is null) ? 1 : 0;
    }

    /// <summary>Refused while the exposed value is in use; what the store cannot tell, the person answers for.</summary>
    public static async Task<int> CloseAsync(CommandContext context, string id)
    {
        var who = Responsible.Read(context.Arguments);
        await using var database = ReencryptCommand.Open(context);
        await database.WriteAsync(async work =>
        {
            var task = await ExposureTaskStore.FindAsync(work.Connection, id) ?? throw new CommandFailure($"there is no task {id}");
            if (task.ClosedAt is not null) throw new CommandFailure($"{id} was closed by {task.ClosedBy}");
            if (task.Unchanged != 0) throw new CommandFailure($"{task.Kind} {task.Item} is as it was when {task.Kid} was exposed: {task.Then}");
            var now = TimeProvider.System.GetUtcNow();
            await ExposureTaskStore.CloseAsync(work, id, who.Actor, who.Reason, now);
            await AdminAuditLedger.AppendAsync(work, Entry(who, "closed", id, now), LedgerKeys.Find(context)?.Current);
            return true;
        }, context.Stop);
        context.Terminal.Success($"{id} is closed");
        return 0;
    }

    private static void Print(CommandContext context, IReadOnlyList<ExposureTask> tasks) => context.Terminal.Table(
        ["TASK", "WHAT", "ZONE", "ID", "STATE", "THEN"],
        [.. tasks.Select(task => (IReadOnlyList<string?>)[task.Id, task.Kind, task.ZoneId, task.Item, State(task), task.ClosedAt is null ? task.Then : null])]);

    private static string State(ExposureTask task) => task switch
    {
        { ClosedAt: not null } => "closed",
        { Unchanged: not 0 } => "as exposed",
        _ => "open",
    };

    private static string MustRotate(Kek kek, IEnumerable<JsonObject> values) => new JsonObject { ["kid"] = kek.IdHex, ["must_rotate"] = new JsonArray([.. values]) }.ToJsonString();

    private static JsonObject Json(string kind, string zoneId, string item, string then) => new() { ["what"] = kind, ["zone_id"] = zoneId, ["id"] = item, ["then"] = then };

    private static JsonObject Json(ExposureTask task)
    {
        var json = Json(task.Kind, task.ZoneId, task.Item, task.Then);
        json["task"] = task.Id;
        json["kid"] = task.Kid;
        json["state"] = State(task);
        json["opened_at"] = Timestamps.Seconds(task.OpenedAt);
        json["opened_by"] = task.OpenedBy;
        json["reason"] = task.Reason;
        if (task.ClosedAt is not { } closed) return json;
        json["closed_at"] = Timestamps.Seconds(closed);
        json["closed_by"] = task.ClosedBy;
        json["close_reason"] = task.CloseReason;
        return json;
    }

    private static AdminAuditEntry Entry(Responsible who, string what, string id, DateTimeOffset now) =>
        who.Entry("keys tasks", "key_exposure", "key-exposure-task", id, new JsonObject { ["event"] = what }, now);
}
