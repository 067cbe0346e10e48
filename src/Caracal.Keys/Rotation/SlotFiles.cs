using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rotation;

/// <summary>The slot files of one class in a secrets folder, changed in an order that loses no value wherever it is interrupted.</summary>
/// <remarks>
/// Between two writes a value may stand in two slots; services refuse such a folder as a whole and go on with what they hold,
/// and every operation here, run again, finishes what was begun (operations.md 4.2, 4.3).
/// </remarks>
public sealed class SlotFiles
{
    private const int MostPrevious = 3;
    private const int ValueBytes = 32;

    private readonly RotatableClass _class;
    private readonly string _folder;
    private readonly string _path;

    public SlotFiles(string folder, RotatableClass rotated)
    {
        _class = rotated;
        _folder = folder;
        _path = Path.Combine(folder, rotated.FileName);
        var alias = Path.Combine(folder, SecretFiles.FileNameOf(SecretFiles.ZoneKekAlias));
        if (rotated.Variable == SecretFiles.ZoneKek && !File.Exists(_path) && File.Exists(alias)) _path = alias;
    }

    public string NextPath => _path + ".next";

    private string PreviousPath => _path + ".previous";

    /// <summary>Secret id of the current value; null when there is none.</summary>
    public string? Current => IdOf(Read(_path));

    /// <summary>Secret id of the staged value.</summary>
    public string? Next => IdOf(Read(NextPath));

    public IReadOnlyList<string> Previous => [.. Values(PreviousPath).Select(value => IdOf(value)!)];

    /// <summary>Writes a new random value as <c>next</c> and answers its id; one that is staged already stays.</summary>
    public string Stage(DateTimeOffset now)
    {
        using var alone = FolderLock.Take(_folder);
        if (Current is null) throw new SecretFolderException($"there is no {_path} to rotate");
        if (Next is { } staged) return staged;
        var value = Generate();
        var sid = IdOf(value)!;
        Write(NextPath, [value]);
        AppendVersion(sid, now);
        return sid;
    }

    /// <summary>Takes the staged value back; any other is left alone.</summary>
    public void Discard(string sid)
    {
        using var alone = FolderLock.Take(_folder);
        Forget(sid);
    }

    /// <summary>current := next, previous := old current.</summary>
    public void Promote(string sid)
    {
        using var alone = FolderLock.Take(_folder);
        if (Current != sid)
        {
            if (Next != sid) throw new SecretFolderException($"{NextPath} does not hold {sid}");
            AddPrevious(Read(_path)!);
            Write(_path, [Read(NextPath)!]);
        }

        Forget(sid);
    }

    /// <summary>current := <paramref name="old"/>, which stands in previous; what was current stands there instead.</summary>
    public void Restore(string old)
    {
        using var alone = FolderLock.Take(_folder);
        if (Current != old)
        {
            var value = Values(PreviousPath).FirstOrDefault(known => IdOf(known) == old)
                ?? throw new SecretFolderException($"{PreviousPath} does not hold {old}");
            AddPrevious(Read(_path)!);
            Write(_path, [value]);
        }

        Write(PreviousPath, [.. Values(PreviousPath).Where(value => IdOf(value) != old)]);
    }

    /// <summary>Removes a previous value. One that history needs is kept where nothing but history reads it.</summary>
    public void Retire(string sid)
    {
        using var alone = FolderLock.Take(_folder);
        var previous = Values(PreviousPath);
        if (previous.FirstOrDefault(value => IdOf(value) == sid) is not { } retired) return;
        if (_class.Id == Rings.KeyClass.AuditHmac) Keep(_path + ".archive", retired);

        // Backups from before the rotation open with nothing else; the file is the operator's to move to escrow.
        if (_class.Id == Rings.KeyClass.ZoneKek) Keep(_path + ".escrow", retired);
        Write(PreviousPath, [.. previous.Where(value => IdOf(value) != sid)]);
    }

    /// <summary>Every value of every slot, for whoever looks whether one has leaked.</summary>
    public IReadOnlyList<SecretText> Secrets() =>
        [.. new[] { Read(_path), Read(NextPath) }.OfType<string>().Concat(Values(PreviousPath)).Distinct(StringComparer.Ordinal).Select(value => new SecretText(value))];

    /// <summary>A previous value by its id; null when there is none.</summary>
    public SecretText? Find(string sid) => Values(PreviousPath).FirstOrDefault(value => IdOf(value) == sid) is { } value ? new SecretText(value) : null;

    private void Forget(string sid)
    {
        if (Next == sid) File.Delete(NextPath);
    }

    private void AddPrevious(string value)
    {
        var previous = Values(PreviousPath);
        if (previous.Contains(value)) return;
        if (previous.Count >= MostPrevious) throw new SecretFolderException($"{PreviousPath} holds {MostPrevious} values; retire one first");
        Write(PreviousPath, [value, .. previous]);
    }

    private static void Keep(string path, string value)
    {
        var kept = Values(path);
        if (!kept.Contains(value)) Write(path, [value, .. kept]);
    }

    private void AppendVersion(string sid, DateTimeOffset now)
    {
        var path = _path + ".versions.jsonl";
        var label = $"{_class.Id}@{now.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{sid}";
        var line = $$"""{"label":"{{label}}","sid":"{{sid}}","created":"{{now.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}}","state":"next"}""";
        var lines = File.Exists(path) ? File.ReadAllText(path) : "";
        SecretFolder.WriteOwnerOnly(path, Encoding.UTF8.GetBytes($"{lines}{line}\n"));
    }

    private static string Generate()
    {
        Span<byte> random = stackalloc byte[ValueBytes];
        RandomNumberGenerator.Fill(random);
        var hex = Convert.ToHexStringLower(random);
        CryptographicOperations.ZeroMemory(random);
        return hex;
    }

    private string? IdOf(string? value)
    {
        if (string.IsNullOrEmpty(value)) return null;
        if (_class.IsToken) return SecretId.Of(_class.Id, Encoding.UTF8.GetBytes(value));
        return SecretRules.TryDecodeHex(value, out var bytes) ? SecretId.Of(_class.Id, bytes) : throw new SecretFolderException($"a slot of {_path} is not hex");
    }

    private static string? Read(string path) => File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } text ? text : null;

    private static List<string> Values(string path) =>
        [.. (Read(path) ?? "").Split([',', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    private static void Write(string path, IReadOnlyCollection<string> values)
    {
        if (values.Count == 0) File.Delete(path);
        else SecretFolder.WriteOwnerOnly(path, Encoding.UTF8.GetBytes(string.Join('\n', values)));
    }
}
