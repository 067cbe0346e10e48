using Caracal.Verifier.Redis;
using Caracal.Verifier.Revocations;
using Microsoft.Extensions.Hosting;

namespace Caracal.AspNetCore;

/// <summary>Reads the revocation streams while the application runs.</summary>
internal sealed class RevocationStreamService(RedisClient redis, IRevocationStore store, RevocationStreamOptions options) : BackgroundService
{
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(2);

    private readonly RevocationStreamConsumer _consumer = new(redis, store, options);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(FarewellTime);
        try
        {
            await _consumer.RemoveGroupsAsync(limit.Token);
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException)
        {
            // The group stays behind; it holds nothing but its name.
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        redis.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _consumer.RunAsync(stoppingToken);
}
