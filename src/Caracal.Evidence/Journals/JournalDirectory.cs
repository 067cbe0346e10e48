using System.Globalization;

namespace Caracal.Evidence.Journals;

// The folder of one journal: 0700, one owner at a time, files 0600 (audit.md 12).
internal sealed class JournalDirectory : IDisposable
{
    private const string Prefix = "segment-";
    private const string Suffix = ".journal";
    private const UnixFileMode OwnerOnlyFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream ownership;

    public JournalDirectory(string path)
    {
        Path = path;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, OwnerOnlyFolder);
        try
        {
            ownership = OpenOwnerOnly(System.IO.Path.Combine(path, ".lock"), FileMode.OpenOrCreate, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new JournalUnavailableException($"another process uses the journal folder {path}", exception);
        }
    }

    public string Path { get; }

    public static FileStream OpenOwnerOnly(string path, FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnlyFile;
        return new FileStream(path, options);
    }

    public string SegmentPath(long number) =>
        System.IO.Path.Combine(Path, Prefix + number.ToString("x16", CultureInfo.InvariantCulture) + Suffix);

    /// <summary>Segment numbers on disk, oldest first.</summary>
    public List<long> SegmentNumbers()
    {
        var numbers = new List<long>();
        foreach (var file in Directory.EnumerateFiles(Path, Prefix + "*" + Suffix))
        {
            var name = System.IO.Path.GetFileName(file.AsSpan());
            if (long.TryParse(name[Prefix.Length..^Suffix.Length], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number)) numbers.Add(number);
        }

        numbers.Sort();
        return numbers;
    }

    /// <summary>Moves a damaged segment out of the way without losing it.</summary>
    public void KeepAside(long number)
    {
        var path = SegmentPath(number);
        if (File.Exists(path)) File.Move(path, path + ".bad", overwrite: true);
    }

    /// <summary>Whether files can be created and deleted here now.</summary>
    public bool Probe()
    {
        var path = System.IO.Path.Combine(Path, ".ready-" + Guid.CreateVersion7().ToString("N"));
        try
        {
            using (OpenOwnerOnly(path, FileMode.CreateNew, FileShare.None))
            {
                File.Delete(path);
            }

            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Makes a new or removed file name itself survive a power cut.</summary>
    public void Sync() => DurableFolder.Sync(Path);

    public void Dispose() => ownership.Dispose();
}
