namespace Caracal.Admin;

/// <summary>How a resource should be; what is null is left as it is.</summary>
public sealed record ResourceSpec(string Name, string Identifier)
{
    public string? UpstreamUrl { get; init; }

    public IReadOnlyList<string>? Scopes { get; init; }

    public string? CredentialProviderId { get; init; }

    public IReadOnlyList<Operation>? Operations { get; init; }

    /// <summary><c>enforced</c> or <c>transport_uniform</c>.</summary>
    public string? OperationEnforcement { get; init; }
}

/// <summary>Scopes of a resource for the Sessions of one role of an application.</summary>
/// <param name="ApplicationId">The application.</param>
/// <param name="ResourceIdentifier">Public identifier.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="Role">Label of the Sessions; null means the application's id, which the application transport uses.</param>
public sealed record Grant(string ApplicationId, string ResourceIdentifier, IReadOnlyList<string> Scopes, string? Role = null);

/// <summary>A resource with its provider and its grants, made together.</summary>
public sealed record GovernedUpstream(ResourceSpec Resource, string ApiKey, IReadOnlyDictionary<string, string> ProviderConfig, IReadOnlyList<Grant> Grants);

/// <summary>Identifiers out of names.</summary>
public static class Identifiers
{
    /// <summary><c>provider://</c> and the name in lower case, everything but letters and digits one dash.</summary>
    public static string Provider(string name) => "provider://" + Slug(name);

    /// <summary>The same with <c>resource://</c>; an absolute URL without user info stays as it is.</summary>
    public static string Resource(string name) =>
        Uri.TryCreate(name, UriKind.Absolute, out var url) && url.Scheme != "provider" && url.UserInfo.Length == 0 ? name : "resource://" + Slug(name);

    private static string Slug(string name) => string.Join(
        '-', new string([.. name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
