namespace Caracal.AspNetCore;

/// <summary>On an endpoint: it needs a mandate. For what describes endpoints, such as an OpenAPI document.</summary>
public interface IMandateMetadata
{
    /// <summary>All of them are needed; none asks for a mandate only, or leaves the scopes of the group.</summary>
    IReadOnlyList<string> Scopes { get; }
}
