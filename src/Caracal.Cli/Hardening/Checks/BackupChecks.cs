using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.Backups;
using Caracal.Cli.Drills;
using Caracal.Keys.Backups;
using Caracal.Storage;
using Caracal.Storage.Drills;
using Caracal.Storage.Reencryption;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Backups of this machine: how old, whether their keys are here, whether one was ever restored.</summary>
internal static class BackupChecks
{
    private static readonly TimeSpan Fresh = TimeSpan.FromHours(24);
    private static readonly TimeSpan Old = TimeSpan.FromDays(7);
    private static readonly TimeSpan DrillAge = TimeSpan.FromDays(90);

    public static Finding Age(Deployment deployment)
    {
        var folder = BackupCommand.Folder(deployment.Paths);
        if (!Directory.Exists(folder)) return Finding.NotEvaluated($"there are no backups at {folder}; those made elsewhere are not seen");
        if (Newest(folder) is not { } newest) return Finding.Fail($"{folder} holds no backup");
        var age = deployment.Time.GetUtcNow() - newest.TakenAt;
        var text = $"the last backup is {age.TotalHours:F0} h old";
        return age > Old ? Finding.Fail(text) : age > Fresh ? Finding.Warn(text) : Finding.Ok(text);
    }

    /// <summary>Every key that a value of the store, or of the newest backup, is sealed with must be here.</summary>
    public static async Task<Finding> KeysAsync(Deployment deployment, CancellationToken stop)
    {
        if (deployment.Secrets("api").KekRing(required: true) is not { } ring) return Finding.Fail("ZONE_KEK is not here");
        var verdict = new Verdict();
        if (Newest(BackupCommand.Folder(deployment.Paths)) is { } newest) Compare("the newest backup", newest.KekIds);
        await using var database = deployment.OpenApiDatabase();
        try
        {
            if (database is not null) Compare("the store", await database.ReadAsync(IdsAsync, stop));
        }
        catch (StorageUnavailableException)
        {
            verdict.Unseen("the store does not answer");
        }

        return verdict.Finding("there is neither a store nor a backup here");

        void Compare(string where, IEnumerable<string> ids)
        {
            foreach (var id in ids)
            {
                if (ring.Find(Convert.FromHexString(id)) is null) verdict.Fail($"{where} holds values of ZONE_KEK {id}, which is not here");
            }

            verdict.Ok("every key is here");
        }
    }

    /// <summary>The last restore drill that this machine or the store remembers.</summary>
    public static async Task<Finding> DrillAsync(Deployment deployment, CancellationToken stop)
    {
        var known = new[] { Told(deployment), await RecordedAsync(deployment, stop) }.OfType<LastDrill>();
        if (known.MaxBy(drill => drill.At) is not { } last) return Finding.Warn("no backup was ever restored, as far as this machine and its store know");
        if (!last.Passed) return Finding.Warn($"the drill of {last.At:yyyy-MM-dd} failed");
        return deployment.Time.GetUtcNow() - last.At > DrillAge ? Finding.Warn($"the last drill was on {last.At:yyyy-MM-dd}") : Finding.Ok($"restored in {last.Seconds} s on {last.At:yyyy-MM-dd}");
    }

    private static LastDrill? Told(Deployment deployment) =>
        DrillRecords.Last(deployment.Paths, RestoreDrill.Name) is { } line && DateTimeOffset.TryParse((string?)line["at"], CultureInfo.InvariantCulture, out var at)
            ? new LastDrill(at, (bool?)line["ok"] == true, line["restore_seconds"]?.ToString() ?? "?")
            : null;

    private static async Task<LastDrill?> RecordedAsync(Deployment deployment, CancellationToken stop)
    {
        await using var database = deployment.OpenApiDatabase();
        if (database is null) return null;
        try
        {
            var row = await database.ReadAsync(connection => DrillStore.FindLastAsync(connection, RestoreDrill.Name), stop);
            return row is null ? null : new LastDrill(row.StartedAt, row.Passed, row.RtoSeconds?.ToString(CultureInfo.InvariantCulture) ?? "?");
        }
        catch (Exception fault) when (fault is StorageUnavailableException or System.Data.Common.DbException)
        {
            return null; // a store of an older schema remembers none
        }
    }

    private sealed record LastDrill(DateTimeOffset At, bool Passed, string Seconds);

    private static (DateTimeOffset TakenAt, IReadOnlyList<string> KekIds)? Newest(string folder)
    {
        foreach (var path in BackupBundle.In(folder).Reverse())
        {
            try
            {
                var description = BackupBundle.Describe(path);
                if (DateTimeOffset.TryParse((string?)description["taken_at"], CultureInfo.InvariantCulture, out var at) && description["kek_ids"] is JsonObject ids)
                {
                    return (at, [.. ids.Select(pair => pair.Key)]);
                }
            }
            catch (SealedArchiveException)
            {
                // Not a bundle: an older one may be.
            }
        }

        return null;
    }

    private static async Task<IReadOnlyList<string>> IdsAsync(System.Data.Common.DbConnection connection)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var family in EnvelopeFamily.All) ids.UnionWith((await EnvelopeStore.CountByKeyAsync(connection, family)).Keys);
        return [.. ids];
    }
}
