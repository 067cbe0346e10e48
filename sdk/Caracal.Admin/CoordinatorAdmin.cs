using System.Text.Json;

namespace Caracal.Admin;

/// <summary>A Delegation as operators see it.</summary>
public sealed record AdminDelegation(string DelegationId, string? SourceSessionId, string? TargetSessionId, string? Status);

/// <summary>Sessions and delegations of a zone, with the operator's token.</summary>
public sealed class CoordinatorAdmin
{
    private readonly AdminClient _client;
    private readonly string _prefix;

    internal CoordinatorAdmin(AdminClient client, string zoneId)
    {
        _client = client;
        _prefix = $"/zones/{Uri.EscapeDataString(zoneId)}";
    }

    public Task<JsonElement> GetSessionAsync(string id, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Get, $"agents/{Escape(id)}", cancellationToken);

    public Task<List<JsonElement>> ChildrenAsync(string id, CancellationToken cancellationToken = default) =>
        _client.Coordinator().ListAsync($"{_prefix}/agents/{Escape(id)}/children", cancellationToken);

    public Task SuspendAsync(string id, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Patch, $"agents/{Escape(id)}/suspend", cancellationToken);

    public Task ResumeAsync(string id, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Patch, $"agents/{Escape(id)}/resume", cancellationToken);

    public Task TerminateAsync(string id, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Delete, $"agents/{Escape(id)}", cancellationToken);

    public Task<JsonElement> EffectiveAuthorityAsync(string id, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Get, $"agents/{Escape(id)}/effective-authority", cancellationToken);

    public Task<IReadOnlyList<AdminDelegation>> ActiveDelegationsAsync(CancellationToken cancellationToken = default) => DelegationsAsync("delegations/active?limit=100", cancellationToken);

    /// <summary>Received by a Session, newest first.</summary>
    public Task<IReadOnlyList<AdminDelegation>> InboundAsync(string sessionId, CancellationToken cancellationToken = default) => DelegationsAsync($"delegations/inbound/{Escape(sessionId)}?limit=100", cancellationToken);

    /// <summary>Given by a Session, newest first.</summary>
    public Task<IReadOnlyList<AdminDelegation>> OutboundAsync(string sessionId, CancellationToken cancellationToken = default) => DelegationsAsync($"delegations/outbound/{Escape(sessionId)}?limit=100", cancellationToken);

    /// <summary>What would end with a Delegation.</summary>
    public Task<JsonElement> ImpactAsync(string id, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Get, $"delegations/{Escape(id)}/impact", cancellationToken);

    public Task RevokeDelegationAsync(string id, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Patch, $"delegations/{Escape(id)}/revoke", cancellationToken);

    private async Task<IReadOnlyList<AdminDelegation>> DelegationsAsync(string path, CancellationToken cancellationToken) =>
        [.. (await _client.Coordinator().ListAsync($"{_prefix}/{path}", cancellationToken).ConfigureAwait(false)).Select(item => new AdminDelegation(
            Text(item, "id") ?? Text(item, "delegation_edge_id") ?? "", Text(item, "source_session_id"), Text(item, "target_session_id"), Text(item, "status")))];

    private Task<JsonElement> SendAsync(HttpMethod method, string path, CancellationToken cancellationToken) =>
        _client.Coordinator().SendAsync(method, $"{_prefix}/{path}", null, cancellationToken);

    private static string Escape(string id) => Uri.EscapeDataString(id);

    private static string? Text(JsonElement item, string name) => item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
