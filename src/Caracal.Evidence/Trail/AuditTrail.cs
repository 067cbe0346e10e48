using Caracal.Evidence.Events;
using Caracal.Evidence.Journals;

namespace Caracal.Evidence.Trail;

/// <summary>What producers record with: an event is safe in the journal before its answer leaves, and is shipped in the background.</summary>
public sealed class AuditTrail : IAsyncDisposable
{
    /// <summary>Readiness reason after evidence was lost; latched until restart.</summary>
    public const string EvidenceLost = "audit_evidence_lost";

    /// <summary>Readiness reason while the journal folder cannot be written.</summary>
    public const string ReplayUnavailable = "audit_replay_unavailable";

    private static readonly TimeSpan DefaultStopDeadline = TimeSpan.FromSeconds(5);

    private readonly Journal journal;
    private readonly IAuditSink sink;
    private readonly AuditTrailOptions options;
    private readonly AuditShipper shipper;
    private long dropped;
    private long persisted;

    public AuditTrail(Journal journal, IAuditSink sink, AuditTrailOptions? options = null)
    {
        this.journal = journal;
        this.sink = sink;
        this.options = options ?? new AuditTrailOptions();
        shipper = new AuditShipper(journal, sink, this.options);
    }

    /// <summary>Null when evidence is safe; otherwise the reason <c>/ready</c> answers 503 with (audit.md 12).</summary>
    public string? NotReady =>
        Interlocked.Read(ref dropped) > 0 || journal.SyncFailed ? EvidenceLost
        : journal.Probe() ? null : ReplayUnavailable;

    public AuditTrailFigures Figures
    {
        get
        {
            var held = journal.Figures;
            return new AuditTrailFigures(
                held.PendingRecords, held.Segments, held.PendingBytes, held.OldestAge, Interlocked.Read(ref dropped),
                shipper.SinkErrors, Interlocked.Read(ref persisted), shipper.Shipped, held.DamagedSegments + held.BadSpoolLines);
        }
    }

    /// <summary>Opens the folder and starts shipping; what an earlier process left goes first.</summary>
    /// <exception cref="JournalUnavailableException">The folder cannot be used.</exception>
    public static AuditTrail Start(string directory, IAuditSink sink, JournalOptions journal, AuditTrailOptions? options = null)
    {
        var trail = new AuditTrail(Journal.Open(directory, journal), sink, options);
        trail.Start();
        return trail;
    }

    public void Start() => shipper.Start();

    /// <summary>Returns once the event is safe. The answer it is evidence of must wait for this.</summary>
    /// <exception cref="JournalUnavailableException">Neither disk nor stream took the event: answer 503.</exception>
    public ValueTask RecordAsync(AuditEvent evidence, CancellationToken ct = default)
    {
        ValueTask append;
        try
        {
            append = evidence.Use(journal, static (bytes, journal) => journal.AppendAsync(bytes));
        }
        catch (JournalUnavailableException exception)
        {
            return ShipDirectlyAsync(evidence, exception, ct);
        }

        if (!append.IsCompletedSuccessfully) return AwaitAsync(append, evidence, ct);
        Interlocked.Increment(ref persisted);
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends when everything recorded before the call was taken by the sink.</summary>
    public Task FlushAsync(CancellationToken ct) => shipper.FlushAsync(ct);

    /// <summary>Ships what it can until the deadline; the rest stays in the journal for the next start.</summary>
    public Task StopAsync(TimeSpan deadline) => shipper.StopAsync(deadline);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync(DefaultStopDeadline);
        }
        finally
        {
            // Whatever became of the shipper: the folder is free for the next start.
            journal.Dispose();
            shipper.Dispose();
        }
    }

    private async ValueTask AwaitAsync(ValueTask append, AuditEvent evidence, CancellationToken ct)
    {
        try
        {
            await append;
            Interlocked.Increment(ref persisted);
        }
        catch (JournalUnavailableException exception)
        {
            await ShipDirectlyAsync(evidence, exception, ct);
        }
    }

    // The disk refused the event; the stream may still take it. Only when both fail is it lost.
    private async ValueTask ShipDirectlyAsync(AuditEvent evidence, JournalUnavailableException refusal, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(options.DirectTimeout);
        try
        {
            await sink.ShipAsync([evidence.ToUtf8()], limit.Token).WaitAsync(limit.Token);
        }
#pragma warning disable CA1031 // Whatever the sink threw, the event is lost and the caller must not answer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Interlocked.Increment(ref dropped);
            options.EventLost?.Invoke(exception);
            throw new JournalUnavailableException("audit events lost: stream and disk persistence both failed", refusal);
        }
    }
}
