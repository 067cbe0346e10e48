using System.Text.Json;
using System.Text.Json.Serialization;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Processes;

/// <summary><c>runtime.json</c>: which version and which kind of stack this home belongs to (cli.md 2.1).</summary>
/// <param name="Version">Of the binary that started it.</param>
/// <param name="UpdatedAt">When.</param>
/// <param name="Stack"><see cref="Embedded"/> or <see cref="Compose"/>.</param>
/// <param name="ComposeFiles">What the containers were started from; of the embedded stack none.</param>
internal sealed record RuntimeRecord(string Version, DateTimeOffset UpdatedAt, string Stack, IReadOnlyList<string>? ComposeFiles = null)
{
    public const string Embedded = "embedded";
    public const string Compose = "compose";

    public static RuntimeRecord? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), RuntimeRecordJson.Default.RuntimeRecord) : null;
        }
        catch (Exception fault) when (fault is JsonException or IOException)
        {
            return null;
        }
    }

    public void Write(string path) => File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(this, RuntimeRecordJson.Default.RuntimeRecord));

    /// <summary>The downgrade guard of cli.md 5.</summary>
    public void RefuseIfNewerThan(string binaryVersion, string home)
    {
        if (ReleaseOrder.Compare(Version, binaryVersion) > 0)
        {
            throw new CommandFailure($"runtime assets at {home} belong to Caracal {Version}; this binary is {binaryVersion} (older). Install {Version} or use another CARACAL_HOME");
        }
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RuntimeRecord))]
internal sealed partial class RuntimeRecordJson : JsonSerializerContext;
