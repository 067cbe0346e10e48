using Caracal.Storage;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack.Stores;

/// <summary>Measures a database clock again and again (README ruling 10); a measurement that fails leaves the last one standing.</summary>
internal static class ClockCare
{
    public static async Task RunAsync(DatabaseClock clock, ILogger logger, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(DatabaseClock.MeasureInterval, clock.Process, cancellationToken);
            try
            {
                await clock.MeasureAsync(cancellationToken);
            }
            catch (StorageUnavailableException fault)
            {
                StackLog.ClockUnmeasured(logger, fault);
            }
        }
    }
}
