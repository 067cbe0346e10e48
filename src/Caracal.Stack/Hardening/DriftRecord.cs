using System.Text.Json;
using Caracal.Keys.Secrets;

namespace Caracal.Stack.Hardening;

/// <summary>Which checks failed at the last look, in a file: what drifts is mostly changed by a restart.</summary>
/// <param name="path">The file.</param>
internal sealed class DriftRecord(string path)
{
    /// <summary>Empty when there is none that can be read: then every failure is new, and none is missed.</summary>
    public IReadOnlySet<string> Read()
    {
        try
        {
            return JsonSerializer.Deserialize<HashSet<string>>(File.ReadAllBytes(path)) ?? [];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException)
        {
            return new HashSet<string>(StringComparer.Ordinal);
        }
    }

    /// <summary>Replaces it as a whole.</summary>
    public void Write(IEnumerable<string> failing) =>
        SecretFolder.WriteOwnerOnly(path, JsonSerializer.SerializeToUtf8Bytes(failing.Order(StringComparer.Ordinal)));
}
