using System.Collections.Concurrent;
using System.Diagnostics;
using Caracal.Cli.Client;

namespace Caracal.EndToEnd.Drills;

/// <summary>
/// Steady governed calls at a bounded rate: each mints a mandate and spends it at the other end, and every fourth one is
/// spent a second time, which must never succeed. A caller uses a replica until it fails, then the other one, as a client
/// behind a load balancer does.
/// </summary>
internal sealed class GovernedLoad : IAsyncDisposable
{
    private const int Callers = 4;

    // A replay has its event always. Other 401s before the exchange, such as that of a Gateway whose STS is not back yet
    // and which has no key of the zone, are sampled (gateway.md A12).
    private const string Replayed = "token replay detected";
    private static readonly TimeSpan Paced = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(8);

    private readonly DrillFleet _fleet;
    private readonly IReadOnlyList<AgentAuthority> _authorities;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, int> _failures = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _answered = new();
    private readonly ConcurrentQueue<string> _wrongly = new();
    private readonly Task[] _callers;
    private readonly TimeSpan _pause;
    private long _requests;
    private long _lastFailure;

    private GovernedLoad(DrillFleet fleet, IReadOnlyList<AgentAuthority> authorities, TimeSpan pause)
    {
        _pause = pause;
        _fleet = fleet;
        _authorities = authorities;
        _callers = [.. Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller)))];
    }

    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Request ids whose answer must have an event: mandates, forwarded calls, refused replays.</summary>
    public IReadOnlyCollection<string> Answered => _answered;

    /// <summary>Calls that were allowed and should not have been.</summary>
    public IReadOnlyCollection<string> WronglyAllowed => _wrongly;

    /// <summary>Refusals and faults by code.</summary>
    public IReadOnlyDictionary<string, int> Failures => _failures;

    /// <param name="fleet">Whom to call.</param>
    /// <param name="full">As fast as the callers can instead of at a bounded rate.</param>
    public static async Task<GovernedLoad> StartAsync(DrillFleet fleet, bool full = false)
    {
        var authorities = new List<AgentAuthority>();
        for (var i = 0; i < Callers; i++)
        {
            authorities.Add(await fleet.Applications[0].ProvisionAsync(fleet.Zone.Blueprint.Scopes, depth: 1, CancellationToken.None));
        }

        return new GovernedLoad(fleet, authorities, full ? TimeSpan.Zero : Paced);
    }

    /// <summary>Runs for a time.</summary>
    public static Task RunForAsync(TimeSpan time) => Task.Delay(time);

    /// <summary>Ends when no call has failed for a second and a hundred went well; throws when that does not happen in time.</summary>
    public async Task UntilSteadyAsync(TimeSpan patience)
    {
        var waiting = Stopwatch.StartNew();
        var from = _answered.Count;
        var seen = Interlocked.Read(ref _lastFailure);
        while (_answered.Count < from + 100 || Stopwatch.GetElapsedTime(Interlocked.Read(ref _lastFailure)) < TimeSpan.FromSeconds(1))
        {
            if (Interlocked.Read(ref _lastFailure) is var last && last != seen) (seen, from) = (last, _answered.Count);
            Assert.True(waiting.Elapsed < patience, $"calls still fail {waiting.Elapsed.TotalSeconds:0} s after the fault: {Describe()}");
            await Task.Delay(50);
        }
    }

    public string Describe() => _failures.IsEmpty ? "none" : string.Join(", ", _failures.OrderBy(f => f.Key).Select(f => $"{f.Key}: {f.Value}"));

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_callers);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task CallAsync(int caller)
    {
        var replica = caller % 2;
        for (var call = 0; !_stop.IsCancellationRequested; call++)
        {
            using var limit = new CancellationTokenSource(CallTime);
            try
            {
                if (!await CallOnceAsync(_fleet.Applications[replica], _fleet.Clients[replica], caller, replaysToo: call % 4 == 0, limit.Token)) replica = 1 - replica;
            }
            catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException or IOException)
            {
                Fail(fault is OperationCanceledException ? "timeout" : "unreachable");
                replica = 1 - replica;
            }

            await Task.WhenAny(Task.Delay(_pause, _stop.Token));
        }
    }

    private async Task<bool> CallOnceAsync(
        AgentApplication application, WireClient client, int caller, bool replaysToo, CancellationToken stop)
    {
        var minted = await application.MintAsync(_authorities[caller], _fleet.Zone.Blueprint.Scopes[0], stop);
        if (!Count(minted)) return false;
        var spent = await SpendAsync(client, minted["access_token"], stop);
        var isServed = Count(spent);
        if (!replaysToo) return isServed;

        // The other replica must know as well that it is spent, and an answer that never came back spends it too.
        var again = await SpendAsync(client, minted["access_token"], stop);
        Interlocked.Increment(ref _requests);
        if (again.IsSuccess && isServed) _wrongly.Enqueue($"replay {again.RequestId}");
        if (again is { Status: 401 } && again["error_description"] == Replayed) _answered.Enqueue(again.RequestId);
        return isServed;
    }

    private Task<WireAnswer> SpendAsync(WireClient client, string mandate, CancellationToken stop) =>
        client.GovernedAsync(HttpMethod.Get, "/reports", mandate, _fleet.Zone.Blueprint.Resource, stop);

    private bool Count(WireAnswer answer)
    {
        Interlocked.Increment(ref _requests);
        if (answer.IsSuccess)
        {
            _answered.Enqueue(answer.RequestId);
            return true;
        }

        Fail($"{answer.Status} {answer["error"]} {answer["error_description"]}");
        return false;
    }

    private void Fail(string code)
    {
        _failures.AddOrUpdate(code, 1, (_, count) => count + 1);
        Interlocked.Exchange(ref _lastFailure, Stopwatch.GetTimestamp());
    }
}
