using System.Text.Json;
using System.Text.Json.Serialization;
using Caracal.Evidence.Journals;
using Caracal.Keys.Secrets;

namespace Caracal.Streams.InProcess;

/// <summary>The entries of one topic on disk: a file for each, named by its id, in a folder that is closed to others.</summary>
internal sealed class EntryFolder
{
    private const string Suffix = ".json";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _path;

    public EntryFolder(string path)
    {
        _path = path;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, OwnerOnly);
    }

    /// <summary>What an earlier process left, oldest first. What it did not finish goes; what cannot be understood is kept aside as <c>*.bad</c>.</summary>
    public IEnumerable<(EntryId Id, KeyValuePair<string, string>[] Fields)> Load()
    {
        RemoveUnfinished();
        foreach (var id in Ids().Order())
        {
            if (Read(FileOf(id)) is { } fields) yield return (id, fields);
            else File.Move(FileOf(id), FileOf(id) + ".bad", overwrite: true);
        }
    }

    /// <summary>Returns once the entry is on disk.</summary>
    /// <exception cref="StreamsUnavailableException">It is not kept.</exception>
    public void Keep(EntryId id, IReadOnlyList<KeyValuePair<string, string>> fields)
    {
        try
        {
            string[][] pairs = [.. fields.Select(field => new[] { field.Key, field.Value })];
            SecretFolder.WriteOwnerOnly(FileOf(id), JsonSerializer.SerializeToUtf8Bytes(pairs, EntryJson.Default.StringArrayArray));
            DurableFolder.Sync(_path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Forget(id);
            throw new StreamsUnavailableException("the disk does not take the message", fault);
        }
    }

    /// <summary>A power cut may bring the entry back, which only means that it is looked at again.</summary>
    /// <exception cref="StreamsUnavailableException">It is still there.</exception>
    public void Remove(EntryId id)
    {
        try
        {
            File.Delete(FileOf(id));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StreamsUnavailableException("the disk does not let the message go", fault);
        }
    }

    private static KeyValuePair<string, string>[]? Read(string path)
    {
        try
        {
            var pairs = JsonSerializer.Deserialize(File.ReadAllBytes(path), EntryJson.Default.StringArrayArray);
            return pairs is null || !Array.TrueForAll(pairs, pair => pair is [not null, not null])
                ? null
                : Array.ConvertAll(pairs, pair => KeyValuePair.Create(pair[0], pair[1]));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private IEnumerable<EntryId> Ids()
    {
        foreach (var file in Directory.GetFiles(_path, "*" + Suffix))
        {
            if (EntryId.TryParse(Path.GetFileNameWithoutExtension(file), out var id)) yield return id;
        }
    }

    // Its source comes again: what is left of this try would be a second copy, or fill the folder.
    private void Forget(EntryId id)
    {
        try
        {
            RemoveUnfinished();
            File.Delete(FileOf(id));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Then the next start finds it, which costs a duplicate.
        }
    }

    private void RemoveUnfinished()
    {
        foreach (var unfinished in Directory.GetFiles(_path, "*.tmp")) File.Delete(unfinished);
    }

    private string FileOf(EntryId id) => Path.Combine(_path, id + Suffix);
}

/// <summary>Names and values in their order: a name may come twice, so it is no object.</summary>
[JsonSerializable(typeof(string[][]))]
internal sealed partial class EntryJson : JsonSerializerContext;
