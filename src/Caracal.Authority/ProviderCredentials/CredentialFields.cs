using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Authority.Providers;

namespace Caracal.Authority.ProviderCredentials;

/// <summary>A credential as it is to be staged, or the reason it cannot be.</summary>
/// <param name="Config">The whole configuration with it; null when refused.</param>
/// <param name="Fields">Its public fields, as JSON.</param>
/// <param name="Problem">Text for people, without any value.</param>
public sealed record StagedCredential(ProviderConfig? Config, string Fields, string? Problem);

/// <summary>
/// Which fields of a provider's configuration belong to its credential: the sealed ones and the public ones that name who
/// holds them. Nothing else changes with a credential, so that a second one cannot lead calls to another place.
/// </summary>
public static class CredentialFields
{
    private static readonly string[] Public = ["username", "client_id", "key_id", "certificate"];
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Puts a second credential into a provider's configuration and checks the whole by the rules of its kind.</summary>
    /// <param name="kind">The provider's kind.</param>
    /// <param name="config">Its public configuration.</param>
    /// <param name="given">The credential's fields, all secrets among them; a public field that is not given stays.</param>
    public static StagedCredential Stage(string kind, string config, JsonElement given)
    {
        if (given.ValueKind != JsonValueKind.Object) return Refused("config_json must be an object");
        var whole = JsonNode.Parse(config)!.AsObject();
        foreach (var member in given.EnumerateObject())
        {
            if (!ProviderKinds.IsSecretField(kind, member.Name) && !(Public.Contains(member.Name) && ProviderKinds.IsPublicField(kind, member.Name)))
            {
                return Refused($"{member.Name} is not part of a credential of {kind}");
            }

            // Users consented to a client: with another one none of their refresh tokens would be taken.
            if (kind == ProviderKinds.AuthorizationCode && member.Name == "client_id"
                && !(member.Value.ValueKind == JsonValueKind.String && whole["client_id"]?.GetValue<string>() == member.Value.GetString()))
            {
                return Refused($"client_id stays with the users' connections of {kind}: make another provider for another client");
            }

            whole[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        }

        using var document = JsonDocument.Parse(whole.ToJsonString());
        var read = ProviderConfigReader.Read(kind, document.RootElement, []);
        if (read.Config is not { } checkedConfig) return Refused(read.Problem!);
        return checkedConfig.Secrets.Count == 0 ? Refused("a credential needs its secret") : new StagedCredential(checkedConfig, Of(whole), null);
    }

    /// <summary>The public fields of the credential that a configuration is for, as JSON.</summary>
    public static string Of(string config) => Of(JsonNode.Parse(config)!.AsObject());

    /// <summary>A configuration with the public fields of another credential in place of its own.</summary>
    public static string Replace(string config, string fields)
    {
        var whole = JsonNode.Parse(config)!.AsObject();
        foreach (var name in Public) whole.Remove(name);
        foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject())
        {
            if (Public.Contains(name)) whole[name] = value?.DeepClone();
        }

        return whole.ToJsonString(Relaxed);
    }

    private static string Of(JsonObject config) =>
        new JsonObject(Public.Where(config.ContainsKey).Select(name => KeyValuePair.Create(name, config[name]?.DeepClone()))).ToJsonString(Relaxed);

    private static StagedCredential Refused(string problem) => new(null, "{}", problem);
}
