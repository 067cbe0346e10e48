using System.Diagnostics;
using Caracal.Keys.Rings;

namespace Caracal.Storage.Reencryption;

/// <summary>
/// Seals every value that is sealed with another key with the current one, batch by batch beside the running services:
/// a short transaction each, rows that somebody holds are left for the next pass (operations.md 4.6.1).
/// </summary>
/// <param name="database">The store.</param>
/// <param name="keks">Opens with every slot, seals with current.</param>
/// <param name="time">For the rate and the notes.</param>
public sealed class EnvelopeSweep(Database database, KekRing keks, TimeProvider time)
{
    /// <summary>Rows in one transaction.</summary>
    public int BatchSize { get; init; } = 200;

    /// <summary>Rows a second; 0 is as fast as it goes.</summary>
    public int Rate { get; init; } = 500;

    /// <summary>Called after each batch.</summary>
    public Action<SweepProgress>? Report { get; init; }

    /// <summary>Runs to the end, or goes on where an earlier run under the same id was ended; true when nothing is left under another key.</summary>
    public async Task<bool> RunAsync(string runId, CancellationToken cancellationToken)
    {
        var clean = true;
        foreach (var family in EnvelopeFamily.All)
        {
            clean &= await RunAsync(runId, family, cancellationToken);
        }

        return clean;
    }

    private async Task<bool> RunAsync(string runId, EnvelopeFamily family, CancellationToken cancellationToken)
    {
        var known = await database.ReadAsync(connection => SweepProgressStore.ListAsync(connection, runId), cancellationToken);
        var progress = known.FirstOrDefault(row => row.Family == family.Name) ?? new SweepProgress { Family = family.Name };
        while (true)
        {
            var (pass, failed) = await PassAsync(runId, family, progress, cancellationToken);
            if (pass is null) return false; // Another sweeper works.
            var left = await database.ReadAsync(connection => EnvelopeStore.CountOthersAsync(connection, family, keks.Current), cancellationToken);
            progress = pass with { LastKey = "", Passes = pass.Passes + 1, ZeroAt = left == 0 ? pass.ZeroAt ?? time.GetUtcNow() : null };
            await database.WriteAsync(WriteKind.Bookkeeping, work => SweepProgressStore.SaveAsync(work, runId, progress, [], time.GetUtcNow()), cancellationToken);

            // Rows that do not open stay where they are; only rows that were held are worth another pass.
            if (left <= failed) return left == 0;
        }
    }

    private async Task<(SweepProgress? Progress, long Failed)> PassAsync(
        string runId, EnvelopeFamily family, SweepProgress progress, CancellationToken cancellationToken)
    {
        var failed = 0L;
        while (true)
        {
            var start = Stopwatch.GetTimestamp();
            var (held, batch, next) = await database.WriteAsync(
                WriteKind.Configuration,
                async work =>
                {
                    if (!await work.TryLockAsync(EnvelopeStore.SweepLock)) return (false, (SweepBatch?)null, progress);
                    var done = await EnvelopeStore.SweepAsync(work, family, keks, progress.LastKey, BatchSize);
                    var further = progress with
                    {
                        LastKey = done.LastKey ?? progress.LastKey,
                        Examined = progress.Examined + done.Examined,
                        Resealed = progress.Resealed + done.Resealed,
                        Raced = progress.Raced + done.Raced,
                        Failed = progress.Failed + done.Failed.Count,
                    };
                    if (done.Examined > 0) await SweepProgressStore.SaveAsync(work, runId, further, done.Failed, time.GetUtcNow());
                    return (true, (SweepBatch?)done, further);
                },
                cancellationToken);
            if (!held) return (null, 0);
            progress = next;
            failed += batch!.Failed.Count;
            if (batch.LastKey is null) return (progress, failed);
            Report?.Invoke(progress);
            var wanted = Rate == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)batch.Examined / Rate) - Stopwatch.GetElapsedTime(start);
            if (wanted > TimeSpan.Zero) await Task.Delay(wanted, time, cancellationToken);
        }
    }
}
