using System.Data.Common;
using Caracal.Authority.Delegations;
using Caracal.Protocol;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Delegations;

/// <summary>The resources a request names, as the zone knows them.</summary>
/// <param name="NamedId">Row id behind <c>resource_id</c>; null when it names none.</param>
/// <param name="Reach">What the edge will reach.</param>
/// <param name="Scopes">The union of the scopes those resources offer.</param>
internal sealed record ResolvedResources(string? NamedId, ResourceReach Reach, IReadOnlySet<string> Scopes);

/// <summary>Finds the resources behind requests and stored edges (coordinator.md 8 steps 7 to 9).</summary>
internal sealed class DelegatedResources(CoordinatorDirectory directory)
{
    /// <summary>What the request names, or why it is refused. Identifiers are matched before row ids.</summary>
    public async Task<(ResolvedResources? Resources, Refusal? Refusal)> ResolveAsync(
        DbConnection connection, string zoneId, DelegationRequest request)
    {
        var rows = await directory.ResourcesAsync(connection, zoneId, request.NamedResources);
        var listed = request.Constraints.Resources ?? [];
        if (listed.Any(identifier => !rows.Any(row => row.Identifier == identifier)))
        {
            return (null, DelegationRefusals.ResourceNotFound);
        }

        DirectoryResource? named = null;
        if (request.Resource is { } name)
        {
            named = rows.FirstOrDefault(row => row.Id == name) ?? rows.FirstOrDefault(row => row.Identifier == name);
            if (named is null)
            {
                return (null, DelegationRefusals.ResourceNotFound);
            }

            if (listed.Count > 0 && !listed.Contains(named.Identifier, StringComparer.Ordinal))
            {
                return (null, DelegationRefusals.ResourceScopeMismatch);
            }
        }

        var offering = rows.Where(row => row == named || listed.Contains(row.Identifier, StringComparer.Ordinal));
        return (new ResolvedResources(
            named?.Id,
            ResourceReach.Of(named is not null, named?.Identifier, listed),
            offering.SelectMany(row => row.Scopes).ToHashSet(StringComparer.Ordinal)), null);
    }

    /// <summary>Step 8. A broad delegation names no resource whose scopes could bound it; its permission was checked before.</summary>
    public static Refusal? CheckScopes(ResolvedResources? resources, DelegationRequest request) =>
        request.IsBroad || request.Scopes.All(resources!.Scopes.Contains) ? null : DelegationRefusals.ScopesExceedResource;

    /// <summary>What a stored edge gives; null when its constraints cannot be read, and then nothing may be derived from it.</summary>
    public async Task<DelegatedAuthority?> AuthorityOfAsync(DbConnection connection, Delegation edge)
    {
        if (ConstraintReader.TryReadStored(edge.ConstraintsJson) is not { } constraints)
        {
            return null;
        }

        var identifier = edge.ResourceId is null ? null : await directory.ResourceIdentifierAsync(connection, edge.ZoneId, edge.ResourceId);
        var reach = ResourceReach.Of(edge.ResourceId is not null, identifier, constraints.Resources);
        return new DelegatedAuthority(edge.Scopes, reach, edge.ExpiresAt, constraints);
    }
}
