using System.Collections.Concurrent;
using System.Diagnostics;
using Caracal.Cli.Client;

namespace Caracal.EndToEnd.Drills;

/// <summary>
/// A Session that is ended in the middle of a fault. Mandates minted before go on being spent at both replicas: every
/// call that begins after the end was acknowledged must be refused, whatever is broken at that moment.
/// </summary>
internal sealed class RevocationProbe : IDisposable
{
    private const int Mandates = 120;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(60);

    private readonly DrillFleet _fleet;
    private readonly AgentAuthority _authority;
    private readonly ConcurrentQueue<string> _mandates;
    private readonly ConcurrentQueue<string> _wrongly = new();
    private readonly CancellationTokenSource _stop = new();
    private Task? _running;
    private int _denied;
    private int _unanswered;

    private RevocationProbe(DrillFleet fleet, AgentAuthority authority, IEnumerable<string> mandates)
    {
        _fleet = fleet;
        _authority = authority;
        _mandates = new ConcurrentQueue<string>(mandates);
    }

    /// <summary>How long it took until the end was acknowledged.</summary>
    public TimeSpan Acknowledged { get; private set; }

    /// <summary>Calls refused for the ended Session; the others met a service that was not there.</summary>
    public int Denied => Volatile.Read(ref _denied);

    public int Unanswered => Volatile.Read(ref _unanswered);

    public IReadOnlyCollection<string> WronglyAllowed => _wrongly;

    public static async Task<RevocationProbe> PrepareAsync(DrillFleet fleet)
    {
        var authority = await fleet.Applications[0].ProvisionAsync(fleet.Zone.Blueprint.Scopes, depth: 1, CancellationToken.None);
        var mandates = new List<string>();
        while (mandates.Count < Mandates)
        {
            mandates.Add((await fleet.Applications[0].MintAsync(authority, fleet.Zone.Blueprint.Scopes[0], CancellationToken.None)).Require("mint")["access_token"]);
        }

        return new RevocationProbe(fleet, authority, mandates);
    }

    /// <summary>Ends the Session as soon as the Coordinator can, and spends from then on until <see cref="FinishAsync"/>.</summary>
    public void Begin() => _running = Task.Run(RunAsync);

    /// <summary>Waits until the end is acknowledged, then for some calls more, and stops.</summary>
    public async Task FinishAsync()
    {
        var waiting = Stopwatch.StartNew();
        while (Denied < 10 && waiting.Elapsed < TimeSpan.FromSeconds(20)) await Task.Delay(20);
        await _stop.CancelAsync();
        await _running!;
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync()
    {
        var started = Stopwatch.StartNew();
        while (!await _fleet.TryEndSessionAsync(_authority))
        {
            if (_stop.IsCancellationRequested) return;
            await Task.Delay(50);
        }

        Acknowledged = started.Elapsed;
        for (var replica = 0; !_stop.IsCancellationRequested; replica = 1 - replica)
        {
            await SpendAsync(replica);
            await Task.WhenAny(Task.Delay(Pause, _stop.Token));
        }
    }

    private async Task SpendAsync(int replica)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(8));
        try
        {
            // When the supply ends the question stays the same: a new mandate must be refused too.
            var answer = _mandates.TryDequeue(out var mandate)
                ? await _fleet.Clients[replica].GovernedAsync(HttpMethod.Get, "/reports", mandate, _fleet.Zone.Blueprint.Resource, limit.Token)
                : await _fleet.Applications[replica].MintAsync(_authority, _fleet.Zone.Blueprint.Scopes[0], limit.Token);
            if (answer.IsSuccess) _wrongly.Enqueue($"revoked {answer.RequestId}");
            else if (answer.Status is 401 or 403) Interlocked.Increment(ref _denied);
            else Interlocked.Increment(ref _unanswered);
        }
        catch (Exception fault) when (fault is HttpRequestException or OperationCanceledException or IOException)
        {
            Interlocked.Increment(ref _unanswered);
        }
    }
}
