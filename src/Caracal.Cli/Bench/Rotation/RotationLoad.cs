using System.Collections.Concurrent;
using System.Diagnostics;
using Caracal.Cli.Client;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>One governed call as the load saw it.</summary>
/// <param name="Started">Stopwatch ticks.</param>
/// <param name="Ticks">How long mint and spending took together.</param>
/// <param name="Failure">What was wrong with it; null when it was answered as it should be.</param>
internal readonly record struct LoadedCall(long Started, long Ticks, string? Failure = null)
{
    public long Ended => Started + Ticks;
}

/// <summary>A steady stream of governed calls that goes on while keys rotate; what fails is kept with its words.</summary>
internal sealed class RotationLoad(WireClient client, AgentApplication application) : IAsyncDisposable
{
    private readonly ConcurrentQueue<LoadedCall> calls = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly List<Task> callers = [];
    private readonly ConcurrentDictionary<int, long> under = new();
    private volatile AgentApplication current = application;

    /// <summary>From the begin of a caller's call to that of its next, unless the call takes longer.</summary>
    public TimeSpan Pace { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Told the text of every answer; called by several callers at once.</summary>
    public Action<string>? Heard { get; init; }

    /// <summary>Every call that has ended so far.</summary>
    public IReadOnlyCollection<LoadedCall> Calls => calls;

    public IReadOnlyCollection<string> Failures => [.. calls.Select(call => call.Failure).OfType<string>()];

    public int Requests => calls.Count;

    /// <summary>From now on the callers prove themselves with another secret.</summary>
    public void Use(AgentApplication other) => current = other;

    public void Start(IReadOnlyList<AgentAuthority> authorities)
    {
        for (var caller = 0; caller < authorities.Count; caller++)
        {
            var (authority, number) = (authorities[caller], caller);
            callers.Add(Task.Run(() => CallAsync(authority, number)));
        }
    }

    /// <summary>Waits until no call is under way that began before now: the callers have all taken up what they were given.</summary>
    public async Task SwitchedAsync(CancellationToken stop)
    {
        var now = Stopwatch.GetTimestamp();
        while (under.Values.Any(started => started < now)) await Task.Delay(1, stop);
    }

    /// <summary>Makes no further call and waits for those under way.</summary>
    public async Task StopAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(callers);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stopping.Dispose();
    }

    private async Task CallAsync(AgentAuthority authority, int caller)
    {
        while (!stopping.IsCancellationRequested)
        {
            var start = Stopwatch.GetTimestamp();
            under[caller] = start;
            var failure = await FailureAsync(authority);
            calls.Enqueue(new LoadedCall(start, Stopwatch.GetTimestamp() - start, failure));
            under[caller] = long.MaxValue;
            var rest = Pace - Stopwatch.GetElapsedTime(start);
            if (rest > TimeSpan.Zero) await Task.Delay(rest, CancellationToken.None);
        }
    }

    private async Task<string?> FailureAsync(AgentAuthority authority)
    {
        try
        {
            var by = current;
            var blueprint = by.Zone.Blueprint;
            var mandate = (await by.MintAsync(authority, blueprint.Scopes[0], CancellationToken.None)).Require("mint");
            var answer = (await client.GovernedAsync(HttpMethod.Get, "/reports", mandate["access_token"], blueprint.Resource, CancellationToken.None)).Require("governed call");
            Heard?.Invoke(mandate.Text);
            Heard?.Invoke(answer.Text);
            return null;
        }
        catch (Exception fault) when (fault is WireException or HttpRequestException)
        {
            return fault.Message;
        }
    }
}
