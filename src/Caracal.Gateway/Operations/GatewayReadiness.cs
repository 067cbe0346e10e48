using Caracal.Evidence.Trail;
using Caracal.Gateway.Revocations;
using Caracal.Hosting.Health;
using Caracal.Protocol.Exchange;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Gateway.Operations;

/// <summary>What the Gateway needs, in the order of gateway.md A1.</summary>
internal static class GatewayReadiness
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    public static CachedReadiness Of(
        Database database, ISharedState state, RevocationState revocations, AuditTrail trail, IGatewayExchange exchange, TimeProvider time, ILogger log) => new(
        GatewaySettings.Role,
        [
            // A store that cannot be reached is no outdated one: the snapshot's age says whether we can go on without it.
            new(null, async budget => await database.ReadSchemaStateAsync(budget) == SchemaState.Current ? null : Database.SchemaOutdated),
            ReadinessProbe.Answers("redis_unreachable", budget => state.PingAsync(budget).AsTask()),
            ReadinessProbe.Holds("revocation_snapshot_stale", () => revocations.IsFresh),
            new(AuditTrail.ReplayUnavailable, _ => Task.FromResult(trail.NotReady)),
            new("sts_unreachable", async budget => await exchange.IsReachableAsync(budget) ? null : "sts_unreachable"),
        ],
        Budget, time, log);
}
