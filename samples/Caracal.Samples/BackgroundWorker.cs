using Caracal.Sdk;

namespace Caracal.Samples;

/// <summary>A service that holds a lease; after its restart the old process is fenced off.</summary>
internal static class BackgroundWorker
{
    public static async Task RunAsync(SampleStack stack)
    {
        var (_, options) = await stack.PrepareAsync("worker", "http://127.0.0.1:9", ["reports:read"]);
        await using var caracal = CaracalClient.FromOptions(options);

        var first = await caracal.StartSessionAsync(new ServiceSessionOptions { Labels = ["agent"], Authority = Authority.None, HeartbeatInterval = TimeSpan.FromMilliseconds(200) });
        var lost = new TaskCompletionSource<CoordinatorException>(TaskCreationOptions.RunContinuationsAsynchronously);
        first.LeaseLost += (_, cause) => lost.TrySetResult(cause);
        await first.HeartbeatAsync("healthy");
        Console.WriteLine($"first process: {first.Status}, lease generation {first.LeaseGeneration}");

        await using (var second = await caracal.AttachSessionAsync(first.Id, new ServiceSessionOptions { AutoHeartbeat = false }))
        {
            await second.HeartbeatAsync("healthy");
            Console.WriteLine($"second process: {second.Status}, lease generation {second.LeaseGeneration}");
            Console.WriteLine($"first process: lost its lease, {(await lost.Task).Code}");
        }

        Console.WriteLine("the session has ended");
        await first.DisposeAsync();
    }
}
