using System.Collections.Concurrent;
using System.Threading.Channels;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>Takes rotated key material into a running role: its secrets are read again at an interval, and at once when told (operations.md 4.2).</summary>
internal sealed class SecretReload
{
    private const int DefaultSeconds = 10;

    // A promotion writes several files; what is read between two of them is refused, so the look waits for the last. The services
    // of one machine hear of it at the same moment and do not all read in the next.
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(150);

    private readonly TimeSpan _interval;
    private readonly SemaphoreSlim _turn;
    private readonly RingReload _rings;
    private readonly ConcurrentDictionary<string, long> _errors = new(StringComparer.Ordinal);
    private readonly Channel<bool> _nudges = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <param name="reader">The role's settings, all of them read.</param>
    /// <param name="time">Tells when a ring was loaded and when a slot matched.</param>
    /// <param name="turn">Shared by the roles of a process: they hear of a change at once, and read one after the other, so that requests keep a core.</param>
    public SecretReload(SettingsReader reader, TimeProvider time, SemaphoreSlim turn)
    {
        _turn = turn;
        Role = reader.Role;
        _interval = TimeSpan.FromSeconds(reader.Integer("SECRETS_RELOAD_SECONDS", DefaultSeconds, 0, 3600));
        _rings = new RingReload(reader.Secrets, time) { Moved = () => Changed?.Invoke() };
    }

    public string Role { get; }

    /// <summary>Which slots of the role's rings matched so far.</summary>
    public IEnumerable<(string ClassId, SlotMatches Matches)> Matches => _rings.Matches;

    /// <summary>How often new content of a class was refused.</summary>
    public long ErrorsOf(string classId) => _errors.GetValueOrDefault(classId);

    /// <summary>What the role's rings hold now.</summary>
    public IReadOnlyList<HeldRing> Held => _rings.Held;

    /// <summary>The folders it reads; empty when it never reads again.</summary>
    public IReadOnlyCollection<string> Folders => _interval == TimeSpan.Zero ? [] : _rings.Folders;

    /// <summary>Called after a ring was swapped, and again when what was swapped is in use.</summary>
    public Action? Changed { get; set; }

    /// <summary>Reads again soon, before its time.</summary>
    public void Nudge() => _nudges.Writer.TryWrite(true);

    /// <summary>Runs until cancelled; an interval of 0 means never.</summary>
    public async Task RunAsync(TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        if (_interval == TimeSpan.Zero) return;
        try
        {
            while (true)
            {
                await WaitAsync(time, cancellationToken);
                await _turn.WaitAsync(cancellationToken);
                try
                {
                    if (Tell(logger)) Changed?.Invoke();
                }
                finally
                {
                    _turn.Release();
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The process ends.
        }
    }

    private async Task WaitAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_interval, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _nudges.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return;
        }

        await Task.Delay(Settling + (Apart * Random.Shared.NextDouble()), time, cancellationToken);
        _nudges.Reader.TryRead(out _);
    }

    private bool Tell(ILogger logger)
    {
        var changed = false;
        foreach (var change in _rings.Run())
        {
            changed |= change.Rejection is null;
            if (change.Rejection is not null) _errors.AddOrUpdate(change.ClassId, 1, (_, count) => count + 1);
            if (change.Rejection is null) StackLog.SecretReloaded(logger, Role, change.ClassId, change.Slots.ToString());
            else StackLog.SecretReloadRejected(logger, Role, change.ClassId, change.Rejection);
        }

        return changed;
    }
}
