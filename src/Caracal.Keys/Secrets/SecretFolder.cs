using System.Security.Cryptography;
using System.Text;

namespace Caracal.Keys.Secrets;

/// <summary>A secrets folder is not safe to use, or a secret file in it; the text names the path and the fix, never a value.</summary>
public sealed class SecretFolderException(string message) : Exception(message);

/// <summary>The folder of generated secrets: 0700, files 0600, ours alone (cli.md 2.2, 4.1).</summary>
public static class SecretFolder
{
    private const UnixFileMode OwnerOnlyFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersBits = (UnixFileMode)0b000_111_111;

    /// <summary>Creates the missing or empty files of the inventory and returns how many; a non-empty file is never replaced.</summary>
    public static int Provision(string directory) => Provision(directory, SecretFiles.Generated);

    public static int Provision(string directory, IEnumerable<SecretFile> files)
    {
        Prepare(directory);
        return files.Count(file => Generate(directory, file));
    }

    /// <summary>Creates the folder 0700, or checks that it is ours and closed to others.</summary>
    public static void Prepare(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
            return;
        }

        Directory.CreateDirectory(directory, OwnerOnlyFolder);
        FileOwner.RequireOurs(directory);
        if ((File.GetUnixFileMode(directory) & OthersBits) != UnixFileMode.None) File.SetUnixFileMode(directory, OwnerOnlyFolder);
    }

    /// <summary>Reads a workload, application or operator secret after the permission checks of cli.md 2.2.</summary>
    public static SecretText ReadOwnerOnly(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists) throw new SecretFolderException($"secret file not found: {path}");
        RefuseLinkOutside(info);
        if (!OperatingSystem.IsWindows())
        {
            var mode = File.GetUnixFileMode(path);
            if ((mode & OthersBits) != UnixFileMode.None)
            {
                throw new SecretFolderException(
                    $"secret file permissions are too broad: {path} is 0o{Convert.ToString((int)mode & 0x1FF, 8)}; make it owner-only (chmod 600)");
            }
        }

        var text = File.ReadAllText(path).Trim();
        return text.Length > 0 ? new SecretText(text) : throw new SecretFolderException($"secret file is empty: {path}");
    }

    /// <summary>Writes an owner-only file through a temporary name, so a reader sees the old text or the new one.</summary>
    public static void WriteOwnerOnly(string path, ReadOnlySpan<byte> content)
    {
        var temporary = $"{path}.{Guid.CreateVersion7():N}.tmp";
        using (var stream = new FileStream(temporary, NewOwnerOnly()))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static bool Generate(string directory, SecretFile file)
    {
        var path = Path.Combine(directory, file.FileName);
        var existing = new FileInfo(path);
        if (existing is { Exists: true, Length: > 0 }) return false;

        // An alias file under its v1.0 name already is this secret (operations.md 2.2).
        if (file.Variable == SecretFiles.ZoneKek && File.Exists(Path.Combine(directory, SecretFiles.FileNameOf(SecretFiles.ZoneKekAlias)))) return false;

        Span<byte> random = stackalloc byte[file.Bytes];
        RandomNumberGenerator.Fill(random);
        Span<byte> hex = stackalloc byte[file.Bytes * 2];
        Convert.TryToHexStringLower(random, hex, out _);
        try
        {
            if (existing.Exists)
            {
                WriteOwnerOnly(path, hex);
                return true;
            }

            using var stream = new FileStream(path, NewOwnerOnly());
            stream.Write(hex);
            stream.Flush(flushToDisk: true);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false; // Another start created it first; its value stands.
        }
        finally
        {
            CryptographicOperations.ZeroMemory(random);
            CryptographicOperations.ZeroMemory(hex);
        }
    }

    private static FileStreamOptions NewOwnerOnly()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnlyFile;
        return options;
    }

    private static void RefuseLinkOutside(FileInfo file)
    {
        if (file.ResolveLinkTarget(returnFinalTarget: true) is not { } target) return;
        var parent = file.DirectoryName + Path.DirectorySeparatorChar;
        if (!target.FullName.StartsWith(parent, StringComparison.Ordinal))
        {
            throw new SecretFolderException($"secret file is a link that leaves its folder: {file.FullName}");
        }
    }
}
