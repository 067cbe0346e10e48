using Caracal.ControlPlane.Applications;
using Caracal.ControlPlane.NotificationSinks;
using Caracal.Hosting.Jobs;
using Caracal.Storage;
using Caracal.Storage.Applications;
using Caracal.Storage.Instances;
using Caracal.Storage.KillSwitch;
using Caracal.Storage.Platform;

namespace Caracal.ControlPlane.Operations;

/// <summary>What the API does by itself (api.md 12.4). Each pass runs under its advisory lock.</summary>
internal sealed class ControlPlaneJobs(
    Database database, DatabaseClock clock, ApplicationArchive archive, NotificationDispatcher notifications, ControlPlaneSettings settings)
{
    private const int PassSize = 500;
    private static readonly AdvisoryLock RegistrationLock = AdvisoryLock.Job(7163920485318472);
    private static readonly AdvisoryLock ReaperLock = AdvisoryLock.Job(7163920485318481);
    private static readonly TimeSpan InstanceMemory = TimeSpan.FromDays(1);
    private static readonly TimeSpan RegistrationGrace = TimeSpan.FromHours(24);

    /// <summary>Every job with its interval.</summary>
    public IReadOnlyList<RecurringJob> All() =>
    [
        new("dcr-gc", TimeSpan.FromSeconds(60), ArchiveExpiredRegistrationsAsync),
        new("authority-record-reaper", TimeSpan.FromSeconds(300), ExpireRecordsAsync),
        new("notification-dispatcher", TimeSpan.FromSeconds(5), notifications.RunAsync),
        new("instances-gone", TimeSpan.FromMinutes(10), ForgetInstancesAsync),
        new("outbox-retention", TimeSpan.FromMinutes(10), TrimOutboxAsync),
    ];

    /// <summary>Archives dynamic registrations that expired a day ago, with whatever still lives of them.</summary>
    public Task ArchiveExpiredRegistrationsAsync(CancellationToken cancellationToken) => database.WriteAsync(
        async work =>
        {
            if (!await work.TryLockAsync(RegistrationLock))
            {
                return; // Another replica does this pass.
            }

            var now = clock.Now;
            foreach (var (zoneId, id) in await ApplicationStore.ArchiveExpiredAsync(work, now - RegistrationGrace, PassSize, now))
            {
                await archive.EndAsync(work, null, zoneId, id, now);
            }
        },
        cancellationToken);

    public Task ExpireRecordsAsync(CancellationToken cancellationToken) => database.WriteAsync(
        async work =>
        {
            if (await work.TryLockAsync(ReaperLock))
            {
                await KillSwitchStore.ExpireRecordsAsync(work, PassSize, clock.Now);
            }
        },
        cancellationToken);

    public Task ForgetInstancesAsync(CancellationToken cancellationToken) => database.WriteAsync(
        WriteKind.Bookkeeping,
        work => InstanceStore.ForgetAsync(work, clock.Now - InstanceMemory), cancellationToken);

    public Task TrimOutboxAsync(CancellationToken cancellationToken) => database.WriteAsync(
        WriteKind.Bookkeeping,
        work => OutboxRetention.DeleteDispatchedAsync(work, clock.Now - settings.OutboxRetention, PassSize * 10),
        cancellationToken);
}
