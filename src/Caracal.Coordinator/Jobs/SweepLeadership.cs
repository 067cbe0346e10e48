using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Caracal.Storage;

namespace Caracal.Coordinator.Jobs;

/// <summary>
/// One replica at a time runs a sweep (coordinator.md 13). The lock belongs to a transaction that stays open for the run,
/// so the database itself gives it up when its holder dies, and the next replica's run takes over; what each sweep does
/// is safe even without it.
/// </summary>
internal sealed class SweepLeadership(Database database, CoordinatorMetrics metrics)
{
    // The embedded engine belongs to one process, and a transaction left open there would hold up every other change.
    private readonly bool _isAlone = database.Dialect.Name == "sqlite";

    /// <summary>The run, skipped when another replica is at it.</summary>
    public Func<CancellationToken, Task> Led(string lockName, Func<CancellationToken, Task> run)
    {
        if (_isAlone)
        {
            return run;
        }

        var wanted = AdvisoryLock.Job(KeyOf(lockName));
        return cancellationToken => database.WriteAsync(
            async work =>
            {
                if (await work.TryLockAsync(wanted))
                {
                    await run(cancellationToken);
                }
                else
                {
                    metrics.SweepsLeft.Add();
                }
            },
            cancellationToken);
    }

    // Any stable number will do, as long as no two jobs share it.
    private static long KeyOf(string lockName) => BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(lockName)));
}
