namespace Caracal.Sdk;

/// <summary>A resource this client works with.</summary>
/// <param name="ResourceId">Public identifier, for example <c>resource://reports</c>.</param>
/// <param name="UpstreamPrefix">Absolute URL whose requests are sent to the Gateway instead; null when only named explicitly.</param>
/// <param name="Scopes">What the application transport asks for; empty when the code says it.</param>
public sealed record ResourceBinding(string ResourceId, string? UpstreamPrefix = null, IReadOnlyList<string>? Scopes = null)
{
    public static implicit operator ResourceBinding(string resourceId) => new(resourceId);

    /// <summary>The same as the implicit conversion.</summary>
    public static ResourceBinding FromString(string resourceId) => new(resourceId);
}

/// <summary>What an application proves itself with.</summary>
/// <param name="ZoneId">The zone it lives in.</param>
/// <param name="ApplicationId">The application.</param>
/// <param name="ClientSecret">Its secret.</param>
public sealed record CaracalCredentials(string ZoneId, string ApplicationId, string ClientSecret)
{
    /// <summary>Ids only: the secret is never printed.</summary>
    public override string ToString() => $"{ZoneId}/{ApplicationId}";
}
