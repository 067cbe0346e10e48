using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rotation;

/// <summary>
/// The files of one way into a store: its address, the one staged, the one before, each with its id beside it. An id is
/// written after its address, so whoever sees a new id sees the new address as well (operations.md 2.5, 4.6.7, 4.6.8).
/// </summary>
public sealed class CredentialFiles
{
    private readonly RotatableClass _class;
    private readonly string _folder;
    private readonly string _path;

    public CredentialFiles(string folder, RotatableClass rotated)
    {
        _class = rotated;
        _folder = folder;
        _path = Path.Combine(folder, rotated.FileName);
    }

    public string NextPath => _path + ".next";

    private string PreviousPath => _path + ".previous";

    /// <summary>The address in use; null when there is none.</summary>
    public string? Current => Read(_path);

    public string? Next => Read(NextPath);

    public string? Previous => Read(PreviousPath);

    /// <summary>Id of the staged address; null while it is not complete.</summary>
    public string? NextId => Next is null ? null : Read(NextPath + ".id");

    /// <summary>Id of the address before.</summary>
    public string? PreviousId => Previous is null ? null : IdOf(PreviousPath);

    /// <summary>Id of the address in use, also where a promotion was cut off before it wrote it.</summary>
    public string CurrentId => NextId is { } next && Next == Current ? next : IdOf(_path);

    /// <summary>When the current address was written here.</summary>
    public DateTimeOffset CurrentSince => new(File.GetLastWriteTimeUtc(_path));

    /// <summary>Keeps an address for later and answers its new id.</summary>
    public string Stage(string address, DateTimeOffset now)
    {
        using var alone = FolderLock.Take(_folder);
        var id = "ver_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        Write(NextPath, address);
        Write(NextPath + ".id", id);
        var label = $"{_class.Id}@{now.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{id}";
        var versions = _path + ".versions.jsonl";
        Write(versions, $"{Read(versions)}{(File.Exists(versions) ? "\n" : "")}{{\"label\":\"{label}\",\"sid\":\"{id}\",\"created\":\"{now.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}\",\"state\":\"next\"}}");
        return id;
    }

    /// <summary>Whether that address waits and nothing else: none that a promotion or a way back which was cut off has in hands.</summary>
    public bool IsOnlyStaged(string id) => NextId == id && CurrentId != id && PreviousId != id;

    /// <summary>Forgets the staged address.</summary>
    public void Discard()
    {
        using var alone = FolderLock.Take(_folder);
        Forget();
    }

    /// <summary>current := next, previous := old current. Run again, it finishes what was begun.</summary>
    public void Promote(string id)
    {
        using var alone = FolderLock.Take(_folder);
        if (IdOf(_path) != id)
        {
            var next = NextId == id ? Next! : throw new SecretFolderException($"{NextPath} does not hold {id}");

            // A current address that is the staged one already was begun before: what was current then is kept already.
            if (Current != next)
            {
                Write(PreviousPath, Current!);
                Write(PreviousPath + ".id", CurrentId);
                Write(_path, next);
            }

            Write(_path + ".id", id);
        }

        Forget();
    }

    /// <summary>Changes the current address with the one before. Run again, it finishes what was begun.</summary>
    public void Restore(string id)
    {
        using var alone = FolderLock.Take(_folder);
        if (IdOf(_path) != CurrentId) Write(_path + ".id", CurrentId);
        if (CurrentId != id)
        {
            // The current address stands in next while the two change places: whoever finds it there goes on.
            var isBegun = NextId == CurrentId;
            if (!isBegun && PreviousId != id) throw new SecretFolderException($"{PreviousPath} does not hold {id}");
            if (!isBegun)
            {
                Write(NextPath, Current!);
                Write(NextPath + ".id", CurrentId);
            }

            if (PreviousId == id) Write(_path, Previous!);
            Write(PreviousPath + ".id", CurrentId);
            Write(PreviousPath, Next!);
            Write(_path + ".id", id);
        }

        if (NextId is not null && NextId == PreviousId) Forget();
    }

    /// <summary>Forgets the address before.</summary>
    public void Retire()
    {
        using var alone = FolderLock.Take(_folder);
        File.Delete(PreviousPath);
        File.Delete(PreviousPath + ".id");
    }

    private void Forget()
    {
        File.Delete(NextPath);
        File.Delete(NextPath + ".id");
    }

    private static string IdOf(string path) => Read(path + ".id") ?? CredentialRing.Unversioned;

    private static string? Read(string path) => File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } text ? text : null;

    private static void Write(string path, string text) => SecretFolder.WriteOwnerOnly(path, Encoding.UTF8.GetBytes(text));
}
