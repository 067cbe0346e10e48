using Caracal.Hosting.Health;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Storage.Platform;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.Operations;

/// <summary>What the API needs, in the order of api.md 14.</summary>
internal sealed class ApiReadiness
{
    public const string StateUnreachable = "redis_unreachable";
    public const string DeadMessages = "outbox_dead_messages";

    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(5);
    private long _dead;

    public ApiReadiness(Database database, ISharedState shared, int deadMaximum, TimeProvider time, ILogger log) => Checks = new CachedReadiness(
        ControlPlaneSettings.Role,
        [
            ReadinessProbe.Answers("postgres_unreachable", budget => database.ReadClockAsync(budget)),
            new(null, async budget => await database.ReadSchemaStateAsync(budget) == SchemaState.Current ? null : Database.SchemaOutdated),
            ReadinessProbe.Answers(StateUnreachable, budget => shared.PingAsync(budget).AsTask()),
            new("outbox_unreachable", async budget =>
            {
                var figures = await database.ReadAsync(connection => OutboxFigures.ReadAsync(connection, database.Dialect), budget);
                Volatile.Write(ref _dead, figures.Dead);
                return figures.Dead > deadMaximum ? DeadMessages : null;
            }),
        ],
        Budget, time, log);

    public CachedReadiness Checks { get; }

    /// <summary>Messages that were given up, at the last look.</summary>
    public long Dead => Volatile.Read(ref _dead);
}
