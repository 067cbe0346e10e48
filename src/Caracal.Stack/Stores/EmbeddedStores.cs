using Caracal.Evidence.Trail;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack.Stores;

/// <summary>One SQLite file, streams and shared state in memory, refused evidence in files: everything a process with every role needs.</summary>
internal sealed class EmbeddedStores : StackStores
{
    private readonly RoleStores _shared;
    private readonly Dictionary<string, RoleStores> _roles;
    private readonly InProcessState _state;
    private readonly Func<IAuditSink> _ingester;
    private readonly ILogger _logger;

    /// <param name="database">The store.</param>
    /// <param name="deadLetters">Folder of evidence that was refused.</param>
    /// <param name="ingester">The ingester of this process, once it is made.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where trouble is told.</param>
    public EmbeddedStores(Database database, string deadLetters, Func<IAuditSink> ingester, TimeProvider time, ILogger logger)
    {
        _ingester = ingester;
        _logger = logger;
        _state = new InProcessState(time);
        _shared = new RoleStores
        {
            Database = database,
            Clock = new DatabaseClock(database, time),
            Streams = new InProcessStreams(time, deadLetters),
            State = _state,
            Leases = _state,
            Buckets = _state,
            Metrics = new MetricsRegistry(),
        };
        _roles = StackRoles.All.ToDictionary(role => role, _ => _shared with { Metrics = new MetricsRegistry() }, StringComparer.Ordinal);
    }

    public override RoleStores For(string role) => _roles[role];

    public override IAuditSink SinkFor(string role, HmacKeyRing? keys) => _ingester();

    public override async Task PrepareAsync(Func<string, Task> waiting, CancellationToken cancellationToken)
    {
        await Migrator.MigrateAsync(_shared.Database, _shared.Clock.Process.GetUtcNow(), cancellationToken);
        await _shared.Clock.MeasureAsync(cancellationToken);
    }

    public override Task TendAsync(CancellationToken cancellationToken) => ClockCare.RunAsync(_shared.Clock, _logger, cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        _state.Dispose();
        await _shared.Database.DisposeAsync();
    }
}
