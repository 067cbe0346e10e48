using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>What survives a loss.</summary>
internal static class RecoveryChecks
{
    private static readonly string[] Ephemeral = ["tmpfs", "ramfs", "overlay", "overlayfs", "aufs"];

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-BAK-1", "age of the last backup", "backups", "24 h or less",
            "data loss", "Run caracal backup every day.",
            Check.Look(BackupChecks.Age)),
        new(
            "H-BAK-2", "keys for what is stored", "key ids in the database and in the ring", "every id can be opened",
            "a backup that cannot be decrypted", "Keep every KEK in escrow until nothing is sealed with it.",
            BackupChecks.KeysAsync),
        new(
            "H-BAK-3", "last restore drill", "drills", "90 days or less",
            "untested recovery", "Run caracal drill restore.",
            BackupChecks.DrillAsync) { Required = false },
        new(
            "H-BAK-4", "journals of evidence", "AUDIT_REPLAY_DIR", "a folder that can be written and outlives the service",
            "evidence is lost at the next deployment",
            "Give every service a folder on durable storage.",
            Check.Look(Journals))
        {
            Repairs = deployment => [.. Folders(deployment).Where(folder => !Directory.Exists(folder.Path) && !File.Exists(folder.Path))
                .Select(folder => new Change($"create {folder.Path}, 0700", () => SecretFolder.Prepare(folder.Path)))],
        },
    ];

    private static Finding Journals(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var (role, path) in Folders(deployment))
        {
            if (!Directory.Exists(path)) verdict.Fail($"{role}: {path} is not there");
            else if (!IsWritable(path)) verdict.Fail($"{role}: {path} cannot be written");
            else if (Ephemeral.Contains(Format(path), StringComparer.Ordinal)) verdict.Fail($"{role}: {path} is on {Format(path)}, which does not outlive a container");
            else verdict.Ok("writable and durable");
        }

        return verdict.Finding($"there is no data folder {deployment.Paths.Data}, and AUDIT_REPLAY_DIR is unset");
    }

    private static IEnumerable<(string Role, string Path)> Folders(Deployment deployment) => StackRoles.Services
        .Select(role => (Role: role, Path: deployment.Setting(role, "AUDIT_REPLAY_DIR") ?? Default(deployment, role)))
        .Where(folder => folder.Path is not null).Select(folder => (folder.Role, folder.Path!));

    private static string? Default(Deployment deployment, string role) =>
        Directory.Exists(deployment.Paths.Data) ? Path.Combine(deployment.Paths.Data, "journal", role) : null;

    private static string Format(string path)
    {
        var full = Path.GetFullPath(path);
        return DriveInfo.GetDrives().Where(drive => full.StartsWith(drive.RootDirectory.FullName, StringComparison.Ordinal))
            .OrderByDescending(drive => drive.RootDirectory.FullName.Length).FirstOrDefault()?.DriveFormat ?? "";
    }

    private static bool IsWritable(string path)
    {
        var probe = Path.Combine(path, $".harden-{Guid.CreateVersion7():N}");
        try
        {
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
