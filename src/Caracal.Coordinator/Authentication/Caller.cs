namespace Caracal.Coordinator.Authentication;

/// <summary>Who calls, as established by authentication (coordinator.md 3).</summary>
internal sealed record Caller
{
    public const string OperatorName = "caracal-operator";
    public const string AdminScope = "coordinator.admin";

    /// <summary>Null for the operator, who may enter every zone.</summary>
    public string? ZoneId { get; init; }
    public required string Subject { get; init; }
    public required string ClientId { get; init; }
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>The bearer's <c>sid</c>; null when it has none.</summary>
    public string? AuthorityRecordId { get; init; }

    /// <summary>Came with the static operator token.</summary>
    public bool IsOperator { get; init; }

    public bool IsAdmin => Scopes.Contains(AdminScope, StringComparer.Ordinal);

    public bool Owns(string applicationId) => string.Equals(ClientId, applicationId, StringComparison.Ordinal);

    /// <summary>Owns the application or holds <c>coordinator.spawn_for</c> for it.</summary>
    public bool MayActFor(string applicationId) => Owns(applicationId) || Has("coordinator.spawn_for", applicationId);

    /// <summary>As <see cref="MayActFor"/>, or an administrator.</summary>
    public bool MayManage(string applicationId) => IsAdmin || MayActFor(applicationId);

    public bool MaySpawnUnder(string applicationId) => Has("coordinator.spawn_under", applicationId);

    public bool MayDelegateFrom(string applicationId) => Owns(applicationId) || Has("coordinator.delegate_from", applicationId);

    public bool MayDelegateBroadly(string applicationId) =>
        IsAdmin || Scopes.Contains("coordinator.delegate_broad", StringComparer.Ordinal) || Has("coordinator.delegate_broad", applicationId);

    public bool MayInvokeFrom(string applicationId) => IsAdmin || Owns(applicationId) || Has("coordinator.invoke_from", applicationId);

    private bool Has(string scope, string applicationId) => Scopes.Contains($"{scope}:{applicationId}", StringComparer.Ordinal);
}
