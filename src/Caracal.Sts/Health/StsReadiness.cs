using Caracal.Evidence.Trail;
using Caracal.Hosting.Health;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.Custody;
using Caracal.Storage.Migrations;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Sts.Health;

/// <summary>What the STS needs, in the order in which it is told (operations.md 6.2).</summary>
internal static class StsReadiness
{
    private const string StoreUnreachable = "postgres_unreachable";
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    public static CachedReadiness Of(Database database, ISharedState state, AuditTrail trail, Func<bool> consumersReady, KekRing keks, TimeProvider time, ILogger logger) => new(
        StsSettings.Role,
        [
            ReadinessProbe.Answers(StoreUnreachable, budget => database.ReadClockAsync(budget)),
            new(null, async budget => await database.ReadSchemaStateAsync(budget) == SchemaState.Current ? null : Database.SchemaOutdated),
            ReadinessProbe.Answers("redis_unreachable", budget => state.PingAsync(budget).AsTask()),
            new(AuditTrail.ReplayUnavailable, _ => Task.FromResult(trail.NotReady)),
            ReadinessProbe.Holds("stream_consumers_not_ready", consumersReady),
            new(null, async budget => await KekCanary.OpensAsync(database, keks, budget) ? null : "kek_unavailable"),
        ],
        Budget, time, logger);
}
