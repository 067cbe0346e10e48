using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Hosting;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.StsCalls;
using Caracal.Streams;
using Caracal.Streams.Consumers;

namespace Caracal.ControlPlane.Control;

/// <summary>The Control plugin and what it is made of; built only where it is enabled (control.md 1).</summary>
internal sealed class ControlPlugin : IAsyncDisposable
{
    public const string Path = "/v1/control/invoke";

    private const int LargestBody = 256 * 1024;
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);

    private readonly KeyInvalidations _invalidations = new("api", ServiceInstance.Id);
    private readonly ControlPlaneDependencies _given;
    private readonly CoordinatorCalls _coordinator;
    private readonly ZoneKeyCache? _cache;
    private readonly StreamConsumer? _keyChanges;

    public ControlPlugin(
        ControlPlaneSettings settings, ControlSettings control, ControlPlaneDependencies given, IReadOnlyList<Route> routes,
        AdminAuthentication authentication, ZoneAccess access, Changes changes)
    {
        _given = given;
        if (given.ZoneKeys is null)
        {
            _cache = new ZoneKeyCache(
                JwksSource.At(control.JwksUrl, FetchTimeout, settings.Authorities), cause => ControlLog.KeysUnavailable(given.Log, cause), given.Clock.Process);
            _keyChanges = given.Streams is null ? null : _invalidations.Read(
                given.Streams, given.State, settings.StreamKeys, _cache.Drop, given.Clock.Process,
                (topic, id, reason) => ServiceLog.StreamMessageRefused(given.Log, topic, id, reason));
        }

        _coordinator = new CoordinatorCalls(settings, control);
        var buckets = given.Buckets ?? throw new InvalidOperationException("Control needs shared buckets");
        var limits = new ControlLimits(control, given.State, buckets, given.Clock.Process);
        SelfTest = new SelfTestControl(control, limits, new MetricsAccess(settings.MetricsBearer, settings.Mode), given.Clock);
        var invoke = new InvokeControl(
            control,
            new ClientAddress(settings),
            limits,
            new ControlToken(settings, control, given.ZoneKeys ?? _cache!, given.Database, given.Clock),
            new ControlCatalog(),
            new ManagementCalls(new Router(routes), control, authentication, access, changes, given.Clock, given.Log),
            _coordinator,
            new ControlEvidence(changes, given.Clock, given.Log),
            given.Clock,
            given.Log);
        Route = new Route("POST", Path, AdminNeed.Change, invoke.HandleAsync) { IsOpen = true, BodyLimit = LargestBody };
    }

    public Route Route { get; }

    /// <summary>Whether its gate is open and a token works once; asked by <c>caracal harden</c>.</summary>
    public SelfTestControl SelfTest { get; }

    /// <summary>Listens to changed keys before the first token comes.</summary>
    public async Task StartAsync(BackgroundTasks tasks, CancellationToken cancellationToken)
    {
        if (_keyChanges is null) return;
        await _keyChanges.CreateGroupsAsync(cancellationToken);
        tasks.Start(_keyChanges.RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_keyChanges is not null) await _invalidations.RemoveGroupAsync(_given.Streams!, CancellationToken.None);
        }
        catch (StreamsUnavailableException)
        {
            // Groups of instances that are gone are swept (operations.md 8).
        }

        _coordinator.Dispose();
        _cache?.Dispose();
    }
}
