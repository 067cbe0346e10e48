using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Keys.Backups;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Backups;

/// <summary>The folder of secrets under a passphrase: the other half of a backup, to be kept apart from the first.</summary>
internal static class SecretsBundle
{
    private const int Iterations = 600_000;
    private const int MinimumPassphrase = 16;

    public static int Write(CommandContext context, string path)
    {
        var folder = Folder(context);
        if (!Directory.Exists(folder)) throw new CommandFailure($"there is no folder of secrets at {folder}");
        if (File.Exists(path)) throw new CommandFailure($"{path} exists");
        var salt = RandomNumberGenerator.GetBytes(16);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, options);
        var description = new JsonObject { ["version"] = 1, ["holds"] = "secrets", ["iterations"] = Iterations, ["salt"] = Convert.ToBase64String(salt) };
        var count = 0;
        using (var archive = SealedArchive.Create(file, Ring(context, salt), description))
        using (var tar = new TarWriter(archive, TarEntryFormat.Pax))
        {
            foreach (var secret in Directory.GetFiles(folder).Order(StringComparer.Ordinal))
            {
                tar.WriteEntry(secret, Path.GetFileName(secret));
                count++;
            }
        }

        context.Terminal.Success($"{path}: {count} files of {folder}; keep it and its passphrase apart from the backups");
        return 0;
    }

    /// <summary>Puts them back into a folder that holds none.</summary>
    public static int Restore(CommandContext context, string path)
    {
        var folder = Folder(context);
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()) throw new CommandFailure($"{folder} is not empty; secrets are never overwritten");
        try
        {
            using var file = File.OpenRead(path);
            var salt = Convert.FromBase64String((string)SealedArchive.Describe(file)["salt"]!);
            file.Position = 0;
            using var archive = SealedArchive.Open(file, Ring(context, salt), out _);
            using var tar = new TarReader(archive);
            SecretFolder.Prepare(folder);
            var count = 0;
            while (tar.GetNextEntry() is { } entry)
            {
                if (entry.EntryType != TarEntryType.RegularFile || Path.GetFileName(entry.Name) != entry.Name) throw new CommandFailure("this is no file of secrets");
                entry.Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                entry.ExtractToFile(Path.Combine(folder, entry.Name), overwrite: false);
                count++;
            }

            context.Terminal.Success($"{count} files in {folder}");
            return 0;
        }
        catch (SealedArchiveException)
        {
            throw new CommandFailure("the passphrase does not open this file, or it was changed");
        }
    }

    private static KekRing Ring(CommandContext context, byte[] salt)
    {
        if (context.Arguments.Value("passphrase-file") is not { } file || !File.Exists(file)) throw new CommandFailure("--passphrase-file names no file");
        var passphrase = File.ReadAllText(file).Trim();
        if (passphrase.Length < MinimumPassphrase) throw new CommandFailure($"the passphrase must have at least {MinimumPassphrase} characters");
        return KekRing.Of(Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, Iterations, HashAlgorithmName.SHA256, Kek.Size));
    }

    private static string Folder(CommandContext context) => Ledger.LedgerKeys.WithSecrets(context)["CARACAL_SECRETS_DIR"]!;
}
