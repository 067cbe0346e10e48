using System.Collections.Concurrent;
using System.Diagnostics;
using Caracal.Cli.Client;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>One governed call as the load saw it.</summary>
/// <param name="Started">Stopwatch ticks.</param>
/// <param name="Ticks">How long mint and spending took together.</param>
internal readonly record struct LoadedCall(long Started, long Ticks);

/// <summary>A steady stream of governed calls that goes on while keys rotate; what fails is kept with its words.</summary>
internal sealed class RotationLoad(WireClient client, AgentApplication application) : IAsyncDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentQueue<LoadedCall> calls = new();
    private readonly ConcurrentQueue<string> failures = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly List<Task> callers = [];
    private volatile AgentApplication current = application;

    /// <summary>Told the text of every answer; called by several callers at once.</summary>
    public Action<string>? Heard { get; init; }

    public IReadOnlyCollection<string> Failures => failures;

    public int Requests => calls.Count + failures.Count;

    /// <summary>From now on the callers prove themselves with another secret.</summary>
    public void Use(AgentApplication other) => current = other;

    public void Start(IReadOnlyList<AgentAuthority> authorities)
    {
        foreach (var authority in authorities) callers.Add(Task.Run(() => CallAsync(authority)));
    }

    /// <summary>Durations of the calls that began in the window, sorted, in Stopwatch ticks.</summary>
    public long[] Between(long from, long to)
    {
        var ticks = calls.Where(call => call.Started >= from && call.Started < to).Select(call => call.Ticks).ToArray();
        Array.Sort(ticks);
        return ticks;
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

    private async Task CallAsync(AgentAuthority authority)
    {
        var blueprint = current.Zone.Blueprint;
        while (!stopping.IsCancellationRequested)
        {
            var start = Stopwatch.GetTimestamp();
            try
            {
                var mandate = (await current.MintAsync(authority, blueprint.Scopes[0], CancellationToken.None)).Require("mint");
                var answer = (await client.GovernedAsync(HttpMethod.Get, "/reports", mandate["access_token"], blueprint.Resource, CancellationToken.None)).Require("governed call");
                Heard?.Invoke(mandate.Text);
                Heard?.Invoke(answer.Text);
                calls.Enqueue(new LoadedCall(start, Stopwatch.GetTimestamp() - start));
            }
            catch (Exception fault) when (fault is WireException or HttpRequestException)
            {
                failures.Enqueue(fault.Message);
            }

            var rest = Pace - Stopwatch.GetElapsedTime(start);
            if (rest > TimeSpan.Zero) await Task.Delay(rest, CancellationToken.None);
        }
    }
}
