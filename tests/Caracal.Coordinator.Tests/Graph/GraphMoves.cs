using Caracal.Coordinator.Tests.Support;

namespace Caracal.Coordinator.Tests.Graph;

/// <summary>Does to the graph what callers, sweepers and time do to it, in an order that a seed decides.</summary>
internal sealed class GraphMoves(TestCoordinator coordinator, int seed)
{
    private const string Agents = "/zones/z1/agents";
    private static readonly string[] Applications = ["app1", "app2"];
    private static readonly string[][] ScopeSets = [["read"], ["write"], ["read", "write"], []];
    private static readonly string[] Reaches =
    [
        ""","resource_id":"r1" """, ""","resource_id":"resource://r2" """, ""","constraints":{"resources":["resource://r1","resource://r2"],"max_hops":4}""",
        ""","resource_id":"r1","constraints":{"max_hops":3}""", ""","constraints":{"resources":["resource://r1"],"max_hops":2}""", "",
    ];

    private readonly Random _random = new(seed);
    private readonly List<(string Id, string Application)> _sessions = [];
    private readonly List<(string Id, string Issuer)> _edges = [];

    /// <summary>Moves that did something, so that a test can tell that it tested anything.</summary>
    public int Done { get; private set; }

    /// <summary>One move; every answer is one the specification knows, and none is a fault of ours.</summary>
    public async Task MoveAsync(bool mayMoveTime)
    {
        var answer = _random.Next(mayMoveTime ? 22 : 19) switch
        {
            < 5 => await StartAsync(),
            < 12 => await DelegateAsync(),
            < 14 => await SessionAsync("PATCH", "/suspend"),
            < 15 => await SessionAsync("PATCH", "/resume"),
            < 17 => await SessionAsync("DELETE", ""),
            < 19 => await RevokeAsync(),
            < 20 => await SweepAsync("retention_cleanup"),
            < 21 => await SweepAsync("ttl_sweep"),
            _ => Pass(TimeSpan.FromSeconds(_random.Next(1, 40))),
        };
        Assert.True(answer is null or { Status: < 500 }, $"{answer?.Status} {answer?.Body}");
        Done += answer is { Status: < 300 } ? 1 : 0;
    }

    private async Task<Answer?> StartAsync()
    {
        var application = Pick(Applications);
        var known = _random.Next(3) == 0 ? null : AnySession();
        var parent = known is null ? "" : $",\"parent_id\":\"{known.Value.Id}\"";
        var answer = await coordinator.PostAsync(
            Agents, coordinator.Token(application, "coordinator.spawn_under:app1", "coordinator.spawn_under:app2"),
            $$"""{"application_id":"{{application}}","ttl_seconds":{{_random.Next(30, 300)}}{{parent}}}""");
        if (answer.Status == 201) _sessions.Add((answer.Json.GetProperty("agent_session_id").GetString()!, application));
        return Learn(answer, known);
    }

    private async Task<Answer?> DelegateAsync()
    {
        if (AnySession() is not { } source) return null;
        var target = AnySession()!.Value;
        if (target == source) target = AnySession()!.Value; // To itself is refused, which is asked often enough.

        var (issuer, receiver) = (source.Application, target.Application);
        var scopes = string.Join(',', Pick(ScopeSets).Select(scope => $"\"{scope}\""));
        var answer = await coordinator.DelegateAsync(
            source.Id, target.Id, $",\"scopes\":[{scopes}],\"ttl_seconds\":{_random.Next(5, 120)}{Pick(Reaches)}",
            coordinator.Token(issuer, $"coordinator.delegate_broad:{issuer}"), issuer, receiver);
        if (answer.Status == 201) _edges.Add((answer.Json.GetProperty("delegation_edge_id").GetString()!, issuer));
        return Learn(answer, source, target);
    }

    private async Task<Answer?> SessionAsync(string method, string change) => AnySession() is not { } session
        ? null
        : Learn(await coordinator.SendAsync(method, $"{Agents}/{session.Id}{change}", coordinator.Token(session.Application)), session);

    private async Task<Answer?> RevokeAsync() =>
        _edges.Count == 0 ? null : await RevokeAsync(Pick(_edges));

    private Task<Answer> RevokeAsync((string Id, string Issuer) edge) =>
        coordinator.SendAsync("PATCH", $"/zones/z1/delegations/{edge.Id}/revoke", coordinator.Token(edge.Issuer));

    private async Task<Answer?> SweepAsync(string job)
    {
        await coordinator.RunJobAsync(job);
        return null;
    }

    private Answer? Pass(TimeSpan time)
    {
        coordinator.Time.Advance(time);
        return null;
    }

    private (string Id, string Application)? AnySession() => _sessions.Count == 0 ? null : Pick(_sessions);

    // Of those that seem to have ended, half are asked again: they must stay ended, or come back as the rules say.
    private Answer Learn(Answer answer, params ReadOnlySpan<(string Id, string Application)?> asked)
    {
        foreach (var session in asked)
        {
            if (answer.Status is 404 or 409 && session is { } ended && _random.Next(2) == 0) _sessions.Remove(ended);
        }

        return answer;
    }

    private T Pick<T>(IReadOnlyList<T> of) => of[_random.Next(of.Count)];
}
