using Caracal.Sdk.Sessions;

namespace Caracal.Sdk;

/// <summary>A long-lived Session: its lease, its heartbeat, its end.</summary>
public sealed class SessionHandle : IAsyncDisposable
{
    private static readonly TimeSpan WithoutDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(300);

    private readonly CaracalClient _client;
    private readonly ServiceSessionOptions _options;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _turn = new();
    private Task _beating = Task.CompletedTask;
    private bool _closing;
    private bool _lost;

    internal SessionHandle(CaracalClient client, CaracalContext context, LeaseState lease, ServiceSessionOptions options)
    {
        _client = client;
        _options = options;
        Context = context;
        Deadline = lease.HeartbeatDeadlineAt;
        LeaseGeneration = lease.LeaseGeneration;
        Status = lease.Status ?? "active";
    }

    /// <summary>Status changed: <c>active</c>, or <c>suspended</c>, which can be resumed.</summary>
    public event Action<SessionHandle, string>? StateChanged;

    /// <summary>The Session is over or has another holder; raised once, not while closing.</summary>
    public event Action<SessionHandle, CoordinatorException>? LeaseLost;

    public string Id => Context.SessionId!;

    /// <summary>Bind it to work as this Session.</summary>
    public CaracalContext Context { get; }

    /// <summary>When the lease ends without a heartbeat; null when unknown.</summary>
    public DateTimeOffset? Deadline { get; private set; }

    public string Status { get; private set; }

    /// <summary>At least 1; rises with each new holder.</summary>
    public long LeaseGeneration { get; private set; }

    internal void Begin()
    {
        if (_options.AutoHeartbeat) _beating = BeatAsync(_stopping.Token);
    }

    /// <summary>Renews the lease now.</summary>
    /// <param name="status"><c>starting</c>, <c>healthy</c>, <c>degraded</c> or <c>unhealthy</c>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task HeartbeatAsync(string status = "healthy", CancellationToken cancellationToken = default)
    {
        try
        {
            var state = await _client.HeartbeatAsync(Context, status, LeaseGeneration, cancellationToken).ConfigureAwait(false);
            Deadline = state.HeartbeatDeadlineAt ?? Deadline;
            LeaseGeneration = state.LeaseGeneration >= 1 ? state.LeaseGeneration : LeaseGeneration;
            if (state.Status is { } now) Change(now);
        }
        catch (CoordinatorException lost) when (lost.IsTerminal)
        {
            Lose(lost);
            throw;
        }
        catch (CoordinatorException lapsed) when (lapsed.Code == "session_lease_expired")
        {
            Change("suspended");
            throw;
        }
    }

    /// <summary>Ends the Session. Ended already counts as success.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_turn)
        {
            if (_closing) return;
            _closing = true;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _beating.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
        await _client.CloseAsync(this).ConfigureAwait(false);
    }

    private async Task BeatAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(Interval(), _client.Options.Time, stop).ConfigureAwait(false);
                await HeartbeatAsync("healthy", stop).ConfigureAwait(false);
            }
            catch (CaracalException fault)
            {
                if (fault is CoordinatorException { IsTerminal: true }) return;
            }

            if (Status == "suspended") return; // whoever resumes it attaches again
        }
    }

    private TimeSpan Interval()
    {
        if (_options.HeartbeatInterval is { } stated) return stated;
        if (Deadline is not { } deadline) return WithoutDeadline;
        var third = (deadline - _client.Options.Time.GetUtcNow()) / 3;
        var within = third < Shortest ? Shortest : third > Longest ? Longest : third;
        return within * (0.9 + (Random.Shared.NextDouble() * 0.2));
    }

    private void Change(string status)
    {
        if (Status == status) return;
        Status = status;
        StateChanged?.Invoke(this, status);
    }

    private void Lose(CoordinatorException cause)
    {
        lock (_turn)
        {
            if (_closing || _lost) return;
            _lost = true;
        }

        Status = "lost";
        LeaseLost?.Invoke(this, cause);
    }
}
