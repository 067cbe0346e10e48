using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Cli.Backups;
using Caracal.Keys.Backups;
using Caracal.Storage;
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

    public static Finding Drill(Deployment deployment)
    {
        if (DrillCommand.Last(deployment.Paths) is not { } last || !DateTimeOffset.TryParse((string?)last["at"], CultureInfo.InvariantCulture, out var at))
        {
            return Finding.Warn("no backup of this machine was ever restored");
        }

        if ((bool?)last["ok"] != true) return Finding.Warn($"the drill of {at:yyyy-MM-dd} failed");
        return deployment.Time.GetUtcNow() - at > DrillAge ? Finding.Warn($"the last drill was on {at:yyyy-MM-dd}") : Finding.Ok($"restored in {last["restore_seconds"]} s on {at:yyyy-MM-dd}");
    }

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
