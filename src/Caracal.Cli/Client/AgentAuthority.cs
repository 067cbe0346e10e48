using System.Text.Json;

namespace Caracal.Cli.Client;

/// <summary>What an agent holds: a Session and the Delegation that gives it authority.</summary>
/// <param name="SessionId">The agent's Session.</param>
/// <param name="DelegationId">The edge that ends in it.</param>
internal sealed record AgentAuthority(string SessionId, string DelegationId);

/// <summary>An application acting for itself, step by step as the client libraries do (sdk.md 7, application transport).</summary>
internal sealed class AgentApplication(WireClient client, GovernedZone zone)
{
    private const int SessionSeconds = 1020;

    private string? lifecycle;

    public GovernedZone Zone => zone;

    /// <summary>The lifecycle mandate; minted on first use.</summary>
    public async Task<string> LifecycleAsync(CancellationToken stop) =>
        lifecycle ??= (await MintLifecycleAsync(stop)).Require("lifecycle mint")["access_token"];

    /// <summary>Asks for a lifecycle mandate and returns whatever the STS says.</summary>
    public Task<WireAnswer> MintLifecycleAsync(CancellationToken stop) =>
        client.ExchangeAsync([.. Identity(), new("resource", zone.Blueprint.Resource), new("scope", "agent:lifecycle")], stop);

    /// <summary>Two Sessions and a Delegation from the first to the second, with the scopes given.</summary>
    public async Task<AgentAuthority> ProvisionAsync(IReadOnlyList<string> scopes, int depth, CancellationToken stop)
    {
        var source = await StartSessionAsync(stop);
        var target = await StartSessionAsync(stop);
        return await DelegateAsync(source, target, scopes, depth, SessionSeconds - 60, stop);
    }

    /// <summary>A child Session that gets part of what <paramref name="parent"/> holds.</summary>
    public async Task<AgentAuthority> DelegateToChildAsync(
        AgentAuthority parent, IReadOnlyList<string> scopes, int depth, CancellationToken stop)
    {
        var child = await StartSessionAsync(stop);
        return await DelegateAsync(parent.SessionId, child, scopes, depth, SessionSeconds - 90, stop); // ends before its parent's
    }

    /// <summary>A one-shot mandate for the Gateway, or the refusal.</summary>
    public Task<WireAnswer> MintAsync(AgentAuthority authority, string scope, CancellationToken stop) =>
        client.ExchangeAsync(MintFields(authority, scope), stop);

    /// <summary>What is asked for with that.</summary>
    public IEnumerable<KeyValuePair<string, string>> MintFields(AgentAuthority authority, string scope) =>
    [
        .. Identity(),
        new("resource", zone.Blueprint.Resource),
        new("scope", scope),
        new("agent_session_id", authority.SessionId),
        new("delegation_edge_id", authority.DelegationId),
        new("ttl_seconds", "900"),
    ];

    private async Task<string> StartSessionAsync(CancellationToken stop)
    {
        var body = JsonSerializer.Serialize(new
        {
            application_id = zone.ApplicationId,
            labels = new[] { zone.Blueprint.Role },
            ttl_seconds = SessionSeconds,
        });
        var answer = await client.CoordinatorAsync(HttpMethod.Post, $"/zones/{zone.ZoneId}/agents", await LifecycleAsync(stop), body, stop);
        return answer.Require("session start")["agent_session_id"];
    }

    private async Task<AgentAuthority> DelegateAsync(
        string source, string target, IReadOnlyList<string> scopes, int depth, int seconds, CancellationToken stop)
    {
        var body = JsonSerializer.Serialize(new
        {
            issuer_application_id = zone.ApplicationId,
            receiver_application_id = zone.ApplicationId,
            source_session_id = source,
            target_session_id = target,
            scopes,
            constraints = new { resources = new[] { zone.Blueprint.Resource }, max_depth = depth },
            ttl_seconds = seconds,
        });
        var answer = await client.CoordinatorAsync(HttpMethod.Post, $"/zones/{zone.ZoneId}/delegations", await LifecycleAsync(stop), body, stop);
        return new AgentAuthority(target, answer.Require("delegation")["delegation_edge_id"]);
    }

    private IEnumerable<KeyValuePair<string, string>> Identity() =>
    [
        new("zone_id", zone.ZoneId), new("application_id", zone.ApplicationId), new("client_secret", zone.ClientSecret),
    ];
}
