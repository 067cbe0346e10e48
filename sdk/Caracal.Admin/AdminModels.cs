using System.Text.Json;
using System.Text.Json.Serialization;

namespace Caracal.Admin;

/// <summary>A tenant.</summary>
public sealed record Zone(string Id, string? Name, string? DisplayName);

/// <summary>Who calls.</summary>
public sealed record Application(string Id, string Name, string RegistrationMethod, IReadOnlyList<string>? Traits, DateTimeOffset? ExpiresAt)
{
    /// <summary>Shown once, by the call that made it.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>Never the secret.</summary>
    public override string ToString() => $"Application {{ {Id}, {Name} }}";
}

/// <summary>One allowed operation of a resource.</summary>
public sealed record Operation(string Method, string Path, string Scope);

/// <summary>An upstream.</summary>
public sealed record Resource(
    string Id, string Name, string Identifier, string? UpstreamUrl, IReadOnlyList<string>? Scopes, string? CredentialProviderId,
    IReadOnlyList<Operation>? Operations, string? OperationEnforcement);

/// <summary>How an upstream is authenticated.</summary>
public sealed record Provider(string Id, string Name, string? Identifier, string Kind, JsonElement? ConfigJson);

/// <summary>One text of a policy.</summary>
public sealed record PolicyVersion(string Id, int? Version, string? ContentSha256);

/// <summary>A policy with its versions.</summary>
public sealed record Policy(string Id, string Name, string? VersionId, IReadOnlyList<PolicyVersion>? Versions);

/// <summary>Policies that are active together.</summary>
public sealed record PolicySet(string Id, string Name, string? ActiveVersionId);

/// <summary>What <c>caracal run</c> starts.</summary>
public sealed record Workload(string Id, string Name, JsonElement? Bindings)
{
    /// <summary>Shown once, by the call that made it.</summary>
    public string? Secret { get; init; }

    /// <summary>Never the secret.</summary>
    public override string ToString() => $"Workload {{ {Id}, {Name} }}";
}

/// <summary>Something a person decides about.</summary>
public sealed record Approval(string Id, string? State, string? Tier, string? PrincipalId);

/// <summary>A running agent.</summary>
public sealed record AgentSession(string SessionId, string ApplicationId, string? ParentSessionId, string Status);

/// <summary>Anything else, as the API sends it.</summary>
public sealed record AdminObject
{
    public string? Id { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Members { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(Zone))]
[JsonSerializable(typeof(Application))]
[JsonSerializable(typeof(Resource))]
[JsonSerializable(typeof(Provider))]
[JsonSerializable(typeof(Policy))]
[JsonSerializable(typeof(PolicySet))]
[JsonSerializable(typeof(Workload))]
[JsonSerializable(typeof(Approval))]
[JsonSerializable(typeof(AgentSession))]
[JsonSerializable(typeof(AdminObject))]
internal sealed partial class AdminJson : JsonSerializerContext;
