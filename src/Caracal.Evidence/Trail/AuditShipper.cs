using Caracal.Evidence.Journals;

namespace Caracal.Evidence.Trail;

// The background half of a trail: journal → sink, in order, again until taken.
internal sealed class AuditShipper(Journal journal, IAuditSink sink, AuditTrailOptions options) : IDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private TaskCompletionSource progress = NewProgress();
    private Task? running;
    private long sinkErrors;
    private long shipped;
    private int flushing;
    private long recovering = -1;

    public long SinkErrors => Interlocked.Read(ref sinkErrors);

    public long Shipped => Interlocked.Read(ref shipped);

    public void Start() => running ??= Task.Run(() => RunAsync(stopping.Token));

    public async Task FlushAsync(CancellationToken ct)
    {
        var target = journal.End;
        Interlocked.Increment(ref flushing);
        try
        {
            while (true)
            {
                var next = Volatile.Read(ref progress).Task;
                if (journal.Acknowledged >= target) return;
                await next.WaitAsync(ct);
            }
        }
        finally
        {
            Interlocked.Decrement(ref flushing);
        }
    }

    public async Task StopAsync(TimeSpan deadline)
    {
        if (running is not null && !stopping.IsCancellationRequested)
        {
            using var limit = new CancellationTokenSource(deadline, options.Clock);
            try
            {
                await FlushAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                // What is left stays in the journal; the next start ships it.
            }
        }

        await stopping.CancelAsync();
        if (running is not null) await running;
    }

    public void Dispose() => stopping.Dispose();

    private async Task RunAsync(CancellationToken ct)
    {
        var nextSpool = DateTimeOffset.MinValue;
        try
        {
            while (true)
            {
                if (options.Clock.GetUtcNow() >= nextSpool)
                {
                    await GuardDiskAsync(journal.DrainSpoolAsync, ct);
                    nextSpool = options.Clock.GetUtcNow() + options.SpoolInterval;
                }

                if (!await WaitAsync(ct)) continue;
                if (Volatile.Read(ref flushing) == 0) await Task.Delay(options.Linger, options.Clock, ct);
                await GuardDiskAsync(ShipPendingAsync, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task<bool> WaitAsync(CancellationToken ct)
    {
        try
        {
            await journal.WaitAsync(ct).WaitAsync(options.SpoolInterval, options.Clock, ct);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task ShipPendingAsync(CancellationToken ct)
    {
        while (journal.Read(options.MaxBatch) is { } batch)
        {
            await ShipAsync(batch, ct);
            Interlocked.Add(ref shipped, batch.Records.Count);
            if (recovering >= 0) recovering += batch.Records.Count;
            try
            {
                await journal.AcknowledgeAsync(batch.End);
            }
            finally
            {
                Interlocked.Exchange(ref progress, NewProgress()).TrySetResult(); // Acknowledged also when the disk does not say so.
            }

            // What came meanwhile gathers as well, or under load each round would carry only the few that came during the one before.
            if (Volatile.Read(ref flushing) == 0 && journal.Figures.PendingRecords < options.MaxBatch) break;
        }

        if (recovering > 0) options.SinkRecovered?.Invoke(recovering);
        recovering = -1;

        // Damage that held no record was acknowledged by the reader itself.
        Interlocked.Exchange(ref progress, NewProgress()).TrySetResult();
    }

    private async Task ShipAsync(JournalBatch batch, CancellationToken ct)
    {
        var pause = options.MinBackoff;
        while (true)
        {
            try
            {
                await sink.ShipAsync(batch.Records, ct);
                return;
            }
#pragma warning disable CA1031 // The sink is the outside world: nothing it throws may end the shipper.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                ct.ThrowIfCancellationRequested();
                Interlocked.Increment(ref sinkErrors);
                recovering = Math.Max(recovering, 0);
                options.SinkFailed?.Invoke(exception);
            }

            // Up to a quarter of jitter, so replicas do not return in step.
            await Task.Delay(pause * (1 + Random.Shared.NextDouble() / 4), options.Clock, ct);
            pause = pause * 2 < options.MaxBackoff ? pause * 2 : options.MaxBackoff;
        }
    }

    // A disk that fails for a while must not end the shipper, whatever it fails with: what it holds is shipped when it answers again.
    private async Task GuardDiskAsync(Func<CancellationToken, Task> work, CancellationToken ct)
    {
        try
        {
            await work(ct);
        }
#pragma warning disable CA1031 // Nobody else would ship what the journal holds.
        catch (Exception exception) when (exception is not OperationCanceledException || !ct.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Interlocked.Increment(ref sinkErrors);
            options.SinkFailed?.Invoke(exception);
            await Task.Delay(options.MaxBackoff, options.Clock, ct);
        }
    }

    private static TaskCompletionSource NewProgress() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
