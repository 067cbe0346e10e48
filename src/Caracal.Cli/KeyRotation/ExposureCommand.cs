using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Ledger;
using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Canonical;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.AdminAudit;
using Caracal.Storage.Reencryption;

namespace Caracal.Cli.KeyRotation;

/// <summary>
/// <c>caracal keys reencrypt --compromised</c> and <c>caracal keys tasks</c>: what stood under a key-encryption key in wrong hands
/// is known to them, and has to be changed, value by value (operations.md 4.6.1). In the store itself, for its administrator.
/// </summary>
internal static class ExposureCommand
{
    private const int ShortestReason = 10;
    private const int ShortestActor = 3;

    /// <summary>A task for every value that <paramref name="kek"/> opens; with <c>--dry-run</c> only their list.</summary>
    public static async Task<int> OpenAsync(CommandContext context, Kek kek)
    {
        var dry = context.Arguments.IsOn("dry-run");
        var (actor, reason) = dry ? ("", "") : Who(context);
        await using var database = ReencryptCommand.Open(context);
        var tasks = dry ? [.. await ExposedAsync(context, database, kek)] : await database.WriteAsync(async work =>
        {
            var now = TimeProvider.System.GetUtcNow();
            await ExposureTaskStore.OpenAsync(work, kek, actor, reason, now);
            await AdminAuditLedger.AppendAsync(work, Entry("opened", kek.IdHex, actor, reason, now), LedgerKeys.Find(context)?.Current);
            return (await ExposureTaskStore.ListAsync(work.Connection, closedToo: false)).Where(task => task.Kid == kek.IdHex).ToList();
        }, context.Stop);
        if (context.Json) context.Terminal.Line(new JsonObject { ["kid"] = kek.IdHex, ["must_rotate"] = new JsonArray([.. tasks.Select(Json)]) }.ToJsonString());
        else
        {
            Print(context, tasks);
            context.Terminal.Info($"{tasks.Count} values can be opened with {kek.IdHex}" + (dry ? "; nothing was written" : "; caracal keys tasks shows what is left"));
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
        var (actor, reason) = Who(context);
        await using var database = ReencryptCommand.Open(context);
        await database.WriteAsync(async work =>
        {
            var task = await ExposureTaskStore.FindAsync(work.Connection, id) ?? throw new CommandFailure($"there is no task {id}");
            if (task.ClosedAt is not null) throw new CommandFailure($"{id} was closed by {task.ClosedBy}");
            if (task.Unchanged != 0) throw new CommandFailure($"{task.Kind} {task.Item} is as it was when {task.Kid} was exposed: {task.Then}");
            var now = TimeProvider.System.GetUtcNow();
            await ExposureTaskStore.CloseAsync(work, id, actor, reason, now);
            await AdminAuditLedger.AppendAsync(work, Entry("closed", id, actor, reason, now), LedgerKeys.Find(context)?.Current);
            return true;
        }, context.Stop);
        context.Terminal.Success($"{id} is closed");
        return 0;
    }

    private static (string Actor, string Reason) Who(CommandContext context) =>
        (context.Arguments.Value("actor")?.Trim() is { Length: >= ShortestActor } who ? who : throw new CommandFailure("--actor is required: the person"),
         context.Arguments.Value("reason")?.Trim() is { Length: >= ShortestReason } why ? why : throw new CommandFailure($"--reason is required ({ShortestReason} characters or more)"));

    private static async Task<IEnumerable<ExposureTask>> ExposedAsync(CommandContext context, Database database, Kek kek)
    {
        var tasks = new List<ExposureTask>();
        foreach (var family in EnvelopeFamily.All)
        {
            var values = await database.ReadAsync(connection => EnvelopeStore.SealedWithAsync(connection, family, kek), context.Stop);
            tasks.AddRange(values.Select(value => new ExposureTask
            {
                Id = "",
                Kid = kek.IdHex,
                Kind = family.Table,
                ZoneId = value.Zone,
                Item = value.Key,
                Unchanged = 1,
                OpenedAt = default,
                OpenedBy = "",
                Reason = "",
            }));
        }

        return tasks.DistinctBy(task => (task.Kind, task.Item));
    }

    private static void Print(CommandContext context, IReadOnlyList<ExposureTask> tasks) => context.Terminal.Table(
        ["TASK", "WHAT", "ZONE", "ID", "STATE", "THEN"],
        [.. tasks.Select(task => (IReadOnlyList<string?>)[task.Id.Length == 0 ? null : task.Id, task.Kind, task.ZoneId, task.Item, State(task), task.ClosedAt is null ? task.Then : null])]);

    private static string State(ExposureTask task) => task switch
    {
        { ClosedAt: not null } => "closed",
        { Unchanged: not 0 } => "as exposed",
        _ => "open",
    };

    private static JsonObject Json(ExposureTask task)
    {
        var json = new JsonObject { ["what"] = task.Kind, ["zone_id"] = task.ZoneId, ["id"] = task.Item, ["then"] = task.Then };
        if (task.Id.Length == 0) return json;
        json["task"] = task.Id;
        json["kid"] = task.Kid;
        json["state"] = State(task);
        json["opened_at"] = Time(task.OpenedAt);
        json["opened_by"] = task.OpenedBy;
        json["reason"] = task.Reason;
        if (task.ClosedAt is not { } closed) return json;
        json["closed_at"] = Time(closed);
        json["closed_by"] = task.ClosedBy;
        json["close_reason"] = task.CloseReason;
        return json;
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static AdminAuditEntry Entry(string what, string id, string actor, string reason, DateTimeOffset now) => new()
    {
        RequestId = "keys-tasks",
        Action = "key_exposure",
        ActorName = actor,
        Method = "CLI",
        Path = "keys tasks",
        EntityType = "key-exposure-task",
        EntityId = id,
        StatusCode = 200,
        PayloadJson = CanonicalJson.Text(new JsonObject { ["event"] = what, ["actor"] = actor, ["reason"] = reason }.ToJsonString()),
        OccurredAt = now,
    };
}
