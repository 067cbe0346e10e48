namespace Caracal.Cli.Hardening;

/// <summary>One look of one check. A check that breaks over what it meets is not evaluated; it takes no other check with it.</summary>
internal static class Inspection
{
    public static async Task<Finding> RunAsync(Func<Deployment, CancellationToken, Task<Finding>> inspect, Deployment deployment, CancellationToken stop)
    {
        try
        {
            return await inspect(deployment, stop);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            return Finding.NotEvaluated($"the check broke: {fault.GetType().Name}"); // the message may hold what was looked at
        }
    }
}
