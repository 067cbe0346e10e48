using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Caracal.ControlPlane.Http;
using Caracal.Storage;

namespace Caracal.ControlPlane.Workloads;

/// <summary>Which credential reaches a workload under which variable (api.md 6).</summary>
internal static partial class Bindings
{
    private const int Most = 64;

    // A variable that makes a runtime load code would turn a credential into execution.
    private static readonly HashSet<string> Dangerous = new(StringComparer.OrdinalIgnoreCase)
    {
        "NODE_OPTIONS", "BUN_OPTIONS", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH",
    };

    /// <summary>The stored form; null when absent. A refusal of its own comes back beside it.</summary>
    public static (JsonText? Stored, Answer? Refusal) Read(Fields fields)
    {
        if (fields.Objects("bindings", 0, Most, strict: true) is not { } members) return (null, null);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        Answer? refusal = null;
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartArray();
            for (var i = 0; i < members.Count; i++)
            {
                var env = Write(writer, members[i]);
                fields.Include($"bindings.{i}", members[i]);
                if (env.Length == 0) continue;
                if (!Name().IsMatch(env) || Dangerous.Contains(env)) refusal ??= Refuse(ControlPlaneErrors.InvalidCredentialEnv, env);
                else if (!seen.Add(env)) refusal ??= Refuse(ControlPlaneErrors.DuplicateCredentialEnv, env);
            }

            writer.WriteEndArray();
        }

        return (new JsonText(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length)), refusal);
    }

    private static string Write(Utf8JsonWriter writer, Fields member)
    {
        var env = member.Text("env", 1, 200);
        var resource = member.Text("resource", 1, 500);
        var scopes = member.Texts("scopes", 0, 32, 1, 200) ?? [];
        var optional = member.Flag("optional") ?? false;
        var onFailure = member.OneOf("on_failure", "warn", "error") ?? "error";
        writer.WriteStartObject();
        writer.WriteString("env", env);
        writer.WriteString("resource", resource);
        if (scopes.Length > 0) writer.Texts("scopes", scopes);
        if (optional)
        {
            writer.WriteBoolean("optional", true);
            writer.WriteString("on_failure", onFailure);
        }

        writer.WriteEndObject();
        return env;
    }

    private static Answer Refuse(Protocol.Refusal refusal, string env) =>
        Answer.Refused(refusal, JsonRows.Object(writer => writer.WriteString("env", env)));

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
