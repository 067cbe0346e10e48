using Caracal.Hosting;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Hosting.StsCalls;
using Caracal.Protocol.Mandates;
using Caracal.Streams;
using Caracal.Streams.Consumers;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.Authentication;

/// <summary>
/// The zones' keys of an STS in another process. A key that changes leaves the cache at once; without the stream it would
/// serve for five minutes more.
/// </summary>
internal sealed class FetchedZoneKeys : IDisposable
{
    private readonly KeyInvalidations _invalidations = new("coordinator", ServiceInstance.Id);
    private readonly IStreamTransport _streams;
    private readonly StreamConsumer _changes;
    private readonly ZoneKeyCache _cache;

    public FetchedZoneKeys(CoordinatorSettings settings, CoordinatorDependencies on, ILogger logger)
    {
        _streams = on.Streams;
        _cache = new ZoneKeyCache(
            new JwksSource(settings.StsUrl, settings.StsTimeout, settings.Authorities),
            cause => CoordinatorLog.KeysUnavailable(logger, cause),
            on.Clock.Process);
        _changes = _invalidations.Read(
            on.Streams, on.State, settings.StreamsKeys, _cache.Drop, on.Clock.Process,
            (topic, id, reason) => ServiceLog.StreamMessageRefused(logger, topic, id, reason));
    }

    public IZoneKeys Keys => _cache;

    /// <summary>Listens before the first request asks.</summary>
    public async Task StartAsync(BackgroundTasks tasks, CancellationToken cancellationToken)
    {
        await _changes.CreateGroupsAsync(cancellationToken);
        tasks.Start(_changes.RunAsync);
    }

    /// <summary>For a clean exit.</summary>
    public async Task RemoveGroupAsync()
    {
        try
        {
            await _invalidations.RemoveGroupAsync(_streams, CancellationToken.None);
        }
        catch (StreamsUnavailableException)
        {
            // Groups of instances that are gone are swept (operations.md 8).
        }
    }

    public void Dispose() => _cache.Dispose();
}
