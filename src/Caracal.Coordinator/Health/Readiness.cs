using Caracal.Hosting.Health;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Outbox;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.Health;

/// <summary>What the Coordinator needs, in the order of coordinator.md 15.</summary>
internal static class Readiness
{
    private const string StoreUnreachable = "postgres_unreachable";
    private const string OutboxDead = "outbox_dead";
    private const string StateUnreachable = "redis_unreachable";
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(5);

    public static CachedReadiness Of(Database database, ISharedState state, CoordinatorOutboxCare outbox, TimeProvider time, ILogger logger) => new(
        "coordinator",
        [
            new(StoreUnreachable, async budget =>
                await database.ReadSchemaStateAsync(budget) != SchemaState.Current ? Database.SchemaOutdated
                : await database.ReadAsync(outbox.HasDeadAsync, budget) ? OutboxDead
                : null),
            ReadinessProbe.Answers(StateUnreachable, budget => state.PingAsync(budget).AsTask()),
        ],
        Budget, time, logger);

    /// <summary>Who is missing, for a reason.</summary>
    public static string DependencyOf(string reason) => reason switch
    {
        OutboxDead => "outbox",
        StateUnreachable => "redis",
        _ => "postgres",
    };
}
