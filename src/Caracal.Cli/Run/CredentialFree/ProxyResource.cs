using System.Globalization;
using Caracal.Cli.CommandLine;
using Caracal.Sdk;

namespace Caracal.Cli.Run.CredentialFree;

/// <summary>One resource as the child reaches it.</summary>
/// <param name="Binding">The resource and its upstream address.</param>
/// <param name="Scopes">What the run may do with it.</param>
/// <param name="Slug">First segment of its path at the proxy.</param>
internal sealed record ProxyResource(ResourceBinding Binding, IReadOnlyList<string> Scopes, string Slug)
{
    /// <summary>The child's variable with the base address, for example <c>PIPERNET_BASE_URL</c>.</summary>
    public string Variable => Slug.Replace('-', '_').ToUpperInvariant() + "_BASE_URL";

    /// <summary>The profile's resources that have scopes, with what the command line adds.</summary>
    /// <param name="options">The profile.</param>
    /// <param name="allowed"><c>resource=scope,scope</c>; wins over the profile's scopes.</param>
    public static IReadOnlyList<ProxyResource> Of(CaracalOptions options, IReadOnlyList<string> allowed)
    {
        var bindings = options.Resources.ToDictionary(binding => binding.ResourceId, StringComparer.Ordinal);
        foreach (var text in allowed)
        {
            var equals = text.LastIndexOf('=');
            var scopes = equals <= 0 ? [] : text[(equals + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (scopes.Length == 0) throw new CommandFailure($"--allow {text}: write RESOURCE=scope,scope");
            var id = text[..equals];
            bindings[id] = (bindings.GetValueOrDefault(id) ?? new ResourceBinding(id)) with { Scopes = scopes };
        }

        var resources = new List<ProxyResource>();
        foreach (var binding in bindings.Values.Where(binding => binding.Scopes is { Count: > 0 }))
        {
            var slug = Slugify(binding.ResourceId);
            var name = slug;
            for (var i = 2; resources.Any(other => other.Slug == name); i++) name = slug + i.ToString(CultureInfo.InvariantCulture);
            resources.Add(new ProxyResource(binding, binding.Scopes!, name));
        }

        return resources.Count > 0 ? resources
            : throw new CommandFailure("no resource to reach: give the profile's credentials a `scopes` list, or say --allow RESOURCE=scope,scope");
    }

    private static string Slugify(string id)
    {
        var scheme = id.IndexOf("://", StringComparison.Ordinal);
        var name = (scheme < 0 ? id : id[(scheme + 3)..]).ToLowerInvariant();
        var slug = string.Join('-', new string([.. name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return slug.Length == 0 || char.IsAsciiDigit(slug[0]) ? "r-" + slug : slug;
    }
}
