namespace Caracal.Storage.Leadership;

/// <summary>
/// Lets one of several replicas do a job as long as it lives (audit.md 7): tries to become the leader, leads, asks whether it
/// still does, and steps down when it cannot tell. For a moment two may think they lead; their jobs must bear that.
/// </summary>
/// <param name="database">The store that the replicas share.</param>
/// <param name="wanted">The job's lock.</param>
/// <param name="time">The clock.</param>
/// <param name="interval">Between tries, and between questions.</param>
public sealed class LeaderLease(Database database, AdvisoryLock wanted, TimeProvider time, TimeSpan interval)
{
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(30);

    private long _changes;
    private volatile bool _leads;

    /// <summary>Whether this process leads now, as far as it knows.</summary>
    public bool IsLeader => _leads;

    /// <summary>How often it began to lead or ceased to.</summary>
    public long Changes => Interlocked.Read(ref _changes);

    /// <summary>Called with whether this process leads, whenever that changes.</summary>
    public Action<bool>? Changed { get; init; }

    /// <summary>Runs until cancelled.</summary>
    /// <param name="lead">The leader's work; its token is cancelled when the lead is lost.</param>
    /// <param name="cancellationToken">The end of the process.</param>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using var held = await database.TryLeadAsync(wanted, cancellationToken);
                if (held is not null) await LeadAsync(held, lead, cancellationToken);
                if (held?.Ending.IsCompleted == true) continue; // given back, not lost: it may be taken again at once
            }
            catch (StorageUnavailableException)
            {
                // Nobody leads while the store is away; /ready tells.
            }

            await Task.Delay(interval, time, cancellationToken);
        }
    }

    private async Task LeadAsync(ILead held, Func<CancellationToken, Task> lead, CancellationToken cancellationToken)
    {
        using var term = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Change(leads: true);
        var work = lead(term.Token);
        try
        {
            while (!work.IsCompleted)
            {
                await Task.WhenAny(work, held.Ending, Task.Delay(interval, time, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
                if (held.Ending.IsCompleted || !await held.IsHeldAsync(cancellationToken)) break;
            }
        }
        finally
        {
            Change(leads: false);
            await term.CancelAsync();
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Change(bool leads)
    {
        _leads = leads;
        Interlocked.Increment(ref _changes);
        Changed?.Invoke(leads);
    }
}
