using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Tampering;

/// <summary>
/// The place a full sweep keeps while it walks: page by page it records what it found and how far it is, never faster than
/// it may read, so that a restart goes on where it was and forgets no finding.
/// </summary>
/// <param name="store">Positions and alerts.</param>
/// <param name="keys">Signs positions, so that nobody who can only write the store lets a sweep jump over rows; null in dev.</param>
/// <param name="clock">Database time.</param>
/// <param name="rowsPerSecond">What a sweep may read; 0 is everything.</param>
public sealed class SweepJournal(SweepStore store, HmacKeyRing? keys, DatabaseClock clock, int rowsPerSecond)
{
    /// <summary>Rows that a restart may have to walk again.</summary>
    private const int KeepInterval = 20_000;

    private readonly long _started = clock.Process.GetTimestamp();
    private readonly Dictionary<string, SweepPosition> _positions = new(StringComparer.Ordinal);
    private string _sweepId = Ids.New();
    private long _walked;
    private long _unkept;

    /// <summary>Rows walked by this sweep so far, by a process before it too.</summary>
    public long Done { get; private set; }

    /// <summary>Rows there were when the sweep began or went on.</summary>
    public long Total { get; private set; }

    /// <summary>Takes up a sweep that was broken off, when there is one.</summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        Total = await store.RowsAsync(cancellationToken);
        foreach (var position in await store.PositionsAsync(cancellationToken))
        {
            var id = position.SweepId.Split('.')[0];
            if (position.SweepId != Sign(id, position)) continue;
            _sweepId = id;
            _positions[position.ZoneId] = position;
            Done += position.ChainSeq;
        }
    }

    /// <summary>Where the zone's walk goes on; null at its beginning.</summary>
    public SweepPosition? Find(string zoneId) => _positions.GetValueOrDefault(zoneId);

    /// <summary>A page of a zone has been walked up to this row.</summary>
    public async Task PassAsync(string zoneId, ChainHead last, string? frontier, int rows, IEnumerable<ChainFinding> found, CancellationToken cancellationToken)
    {
        Done += rows;
        _walked += rows;
        _unkept += rows;
        var alerts = found.Select(Alert).ToList();
        if (alerts.Count > 0 || _unkept >= KeepInterval)
        {
            var position = new SweepPosition(zoneId, last.Seq, last.ContentSha256, frontier ?? "", "");
            await store.KeepAsync(alerts, position with { SweepId = Sign(_sweepId, position) }, clock.Now, cancellationToken);
            _unkept = 0;
        }

        if (rowsPerSecond == 0) return;
        var ahead = TimeSpan.FromSeconds((double)_walked / rowsPerSecond) - clock.Process.GetElapsedTime(_started);
        if (ahead > TimeSpan.Zero) await Task.Delay(ahead, clock.Process, cancellationToken);
    }

    /// <summary>Everything has been walked.</summary>
    public async Task CompleteAsync(IReadOnlyList<ChainFinding> found, CancellationToken cancellationToken)
    {
        await TellAsync(found, cancellationToken);
        await store.ForgetAsync(cancellationToken);
    }

    /// <summary>Keeps findings as alerts.</summary>
    public async Task TellAsync(IReadOnlyList<ChainFinding> found, CancellationToken cancellationToken)
    {
        if (found.Count > 0) await store.KeepAsync([.. found.Select(Alert)], null, clock.Now, cancellationToken);
    }

    // The same finding has the same name in every sweep.
    private LedgerAlert Alert(ChainFinding finding) => new()
    {
        Id = "sweep-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{finding.Word}\n{finding.Chain}\n{finding.ChainSeq}\n{finding.RowId}\n{finding.Detail}"))).AsSpan(0, 16)),
        EventId = finding.RowId ?? "",
        ZoneId = finding.Chain,
        Kind = finding.Word,
        Detail = string.Create(CultureInfo.InvariantCulture, $"sequence {finding.ChainSeq}: {finding.Detail}"),
        CreatedAt = clock.Now,
    };

    private string Sign(string id, SweepPosition position) => id + "." + (keys?.SignHex(Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"caracal.audit.sweep.v1\n{id}\n{position.ZoneId}\n{position.ChainSeq}\n{position.ContentSha256}\n{position.Frontier}\n"))) ?? "");
}
