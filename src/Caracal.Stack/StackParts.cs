using Caracal.Audit;
using Caracal.Hosting;
using Caracal.Hosting.Jobs;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.Outbox;
using Caracal.Streams.InProcess;
using Caracal.Streams.Relay;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>What the roles of one process share, and how each is put together from it.</summary>
internal sealed class StackParts(Database database, TimeProvider time, JsonLineLogging logging) : IAsyncDisposable
{
    private const long StreamLength = 100_000;

    private readonly InProcessStreams _streams = new(time);
    private readonly InProcessState _state = new(time);
    private readonly List<OutboxRelay> _relays = [];
    private Journals? _journals;

    public Database Database { get; } = database;

    public DatabaseClock Clock { get; } = new(database, time);

    /// <summary>Embedded means one process with every role; external stores are another composition (operations.md 2.4).</summary>
    public static void RefuseExternalStores(RoleSettings settings, IReadOnlyDictionary<string, string?> variables)
    {
        foreach (var name in (ReadOnlySpan<string>)["DATABASE_URL", "REDIS_URL"])
        {
            if (!string.IsNullOrEmpty(variables.GetValueOrDefault(name)) || !string.IsNullOrEmpty(variables.GetValueOrDefault(name + "_FILE")))
            {
                settings.For(AuditSettings.Role).Fault($"{name} is set, but this build runs on the embedded store only; unset it");
            }
        }
    }

    /// <summary>Builds the roles in the order in which they start; throws when any setting of any role is wrong.</summary>
    public IReadOnlyList<HostedRole> Build(RoleSettings settings, IReadOnlyList<string> roles)
    {
        var auditSettings = AuditSettings.Read(settings.For(AuditSettings.Role));
        settings.ThrowIfFaulty();

        var audit = new AuditService(auditSettings, Database, Clock, _streams, _state, logging.CreateLogger(AuditSettings.Role));
        _journals = new Journals(audit.JournalSink, time);
        AddRelays(auditSettings.StreamKeys);
        return [HostedRole.Served(audit.ServerOptions, logging, audit.MapRoutes, audit.StartAsync, audit.StopAsync, audit.DisposeAsync)];
    }

    public void StartRelays(BackgroundTasks tasks) => _relays.ForEach(relay => tasks.Start(relay.RunAsync));

    public Task FlushAsync(CancellationToken cancellationToken) => _journals?.FlushAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_journals is not null)
        {
            await _journals.DisposeAsync();
        }

        _state.Dispose();
        await Database.DisposeAsync();
    }

    private void AddRelays(HmacKeyRing? keys)
    {
        var logger = logging.CreateLogger("relay");
        foreach (var queue in (IOutboxQueue[])[new EventOutboxQueue(Database, ServiceInstance.Id, new OutboxSettings()), new CoordinatorOutboxQueue(Database, new OutboxSettings())])
        {
            _relays.Add(new OutboxRelay(Database, queue, _streams, keys, Clock, StreamLength)
            {
                Report = (topic, row, error) => ServiceLog.OutboxPublishFailed(logger, topic, row, error),
            });
        }
    }
}
