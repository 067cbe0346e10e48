using System.Text.Json;
using System.Text.Json.Serialization;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Processes;

/// <summary><c>stack.json</c>: the background stack that <c>up</c> started (cli.md 5).</summary>
internal sealed record StackRecord(int Pid, string Started, IReadOnlyList<string> Roles, IReadOnlyDictionary<string, string> Urls)
{
    [JsonIgnore]
    public ProcessIdentity Process => new(Pid, Started);

    /// <summary>The record; null when there is none or it cannot be read.</summary>
    public static StackRecord? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), StackRecordJson.Default.StackRecord) : null;
        }
        catch (Exception fault) when (fault is JsonException or IOException)
        {
            return null;
        }
    }

    public void Write(string path) =>
        SecretFolder.WriteOwnerOnly(path, JsonSerializer.SerializeToUtf8Bytes(this, StackRecordJson.Default.StackRecord));
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StackRecord))]
internal sealed partial class StackRecordJson : JsonSerializerContext;
