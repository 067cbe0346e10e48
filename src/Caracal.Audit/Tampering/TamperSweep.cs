using Caracal.Evidence.Ledger;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tampering;

/// <summary>Runs the verification and tells what it found: one log line and one count per finding and sweep (audit.md 6).</summary>
/// <param name="verification">The walk.</param>
/// <param name="store">Alerts, and where a full sweep is.</param>
/// <param name="settings">The rolling window, and how fast a full sweep may read.</param>
/// <param name="metrics">Counts.</param>
/// <param name="clock">Database time.</param>
/// <param name="logger">Alert rules read these lines.</param>
internal sealed class TamperSweep(
    LedgerVerification verification, SweepStore store, AuditSettings settings, AuditMetrics metrics, DatabaseClock clock, ILogger logger)
{
    public static readonly TimeSpan FullInterval = TimeSpan.FromHours(24);
    public static readonly TimeSpan RollingInterval = TimeSpan.FromHours(1);

    private SweepJournal? _full;

    /// <summary>Rows the running full sweep has walked; 0 between sweeps.</summary>
    public long Done => Volatile.Read(ref _full)?.Done ?? 0;

    /// <summary>Rows the running full sweep will walk; 0 between sweeps.</summary>
    public long Total => Volatile.Read(ref _full)?.Total ?? 0;

    /// <summary>Everything retained; goes on where a sweep was that did not end.</summary>
    public async Task RunFullAsync(CancellationToken cancellationToken)
    {
        var journal = new SweepJournal(store, settings.AuditKeys, clock, settings.SweepRowsPerSecond);
        Volatile.Write(ref _full, journal);
        try
        {
            await RunAsync(full: true, token => verification.VerifyAllAsync(journal, token), cancellationToken);
        }
        finally
        {
            Volatile.Write(ref _full, null);
        }
    }

    /// <summary>The last hours.</summary>
    public Task RunRollingAsync(CancellationToken cancellationToken) => RunAsync(
        full: false,
        async token =>
        {
            var report = await verification.VerifySinceAsync(clock.Now - settings.RollingWindow, token);
            await new SweepJournal(store, settings.AuditKeys, clock, 0).TellAsync(report.Findings, token);
            return report;
        },
        cancellationToken);

    private async Task RunAsync(bool full, Func<CancellationToken, Task<ChainReport>> verify, CancellationToken cancellationToken)
    {
        ChainReport report;
        try
        {
            report = await verify(cancellationToken);
        }
        catch (StorageUnavailableException fault)
        {
            AuditLog.SweepFailed(logger, fault);
            return;
        }

        foreach (var finding in report.Findings)
        {
            Log(finding);
        }

        foreach (var unknown in report.UnknownKeys)
        {
            AuditLog.KeyUnknown(logger, unknown.KeyId, unknown.Chain, unknown.Count);
            metrics.Unverifiable.Add(unknown.Count);
        }

        metrics.Checked.Add(report.Checked);
        metrics.Mismatches.Add(report.Mismatches);
        metrics.ChainBreaks.Add(report.Breaks);
        metrics.TamperHmacFailures.Add(report.HmacFailures);
        metrics.CheckpointMismatches.Add(report.CheckpointFaults);
        metrics.Swept(clock.Now, full);
        AuditLog.SweepComplete(logger, full, full ? "all" : $"{settings.RollingWindow.TotalHours:0}h", report);
    }

    private void Log(ChainFinding finding)
    {
        switch (finding.Fault)
        {
            case ChainFault.ContentMismatch:
                AuditLog.ContentMismatch(logger, finding.RowId, finding.Chain, finding.ChainSeq);
                break;
            case ChainFault.ChainBreak:
                AuditLog.ChainBreak(logger, finding.Chain, finding.ChainSeq, finding.PrevSeq);
                break;
            case ChainFault.CheckpointMismatch:
                AuditLog.CheckpointMismatch(logger, finding.Chain, finding.ChainSeq, finding.Detail);
                break;
            default:
                AuditLog.HmacMismatch(logger, finding.RowId, finding.Chain, finding.ChainSeq, finding.HmacKeyId);
                break;
        }
    }
}
