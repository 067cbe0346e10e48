using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>Takes rotated key material into the running roles: their secrets are read again at an interval (operations.md 4.2).</summary>
internal sealed class SecretReload
{
    private const int DefaultSeconds = 10;

    private readonly string _role;
    private readonly TimeSpan _interval;
    private readonly RingReload _rings;

    /// <param name="reader">The role's settings, all of them read.</param>
    public SecretReload(SettingsReader reader)
    {
        _role = reader.Role;
        _interval = TimeSpan.FromSeconds(reader.Integer("SECRETS_RELOAD_SECONDS", DefaultSeconds, 0, 3600));
        _rings = new RingReload(reader.Secrets);
    }

    /// <summary>Runs until cancelled; an interval of 0 means never.</summary>
    public async Task RunAsync(TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        if (_interval == TimeSpan.Zero) return;
        using var timer = new PeriodicTimer(_interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken)) Tell(logger);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The process ends.
        }
    }

    private void Tell(ILogger logger)
    {
        foreach (var change in _rings.Run())
        {
            if (change.Rejection is null) StackLog.SecretReloaded(logger, _role, change.ClassId, change.Slots.ToString());
            else StackLog.SecretReloadRejected(logger, _role, change.ClassId, change.Rejection);
        }
    }
}
