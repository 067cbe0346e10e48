using Caracal.Cli.Client;
using Caracal.Stack;

namespace Caracal.Cli.Drills;

/// <summary>A store goes away: nothing is issued, and what stops authority goes on where it can.</summary>
internal static class StoreDrills
{
    private const string RedisErrors = "caracal_redis_errors_total";
    private const string PostgresErrors = "caracal_db_errors_total";

    public static Drill Redis { get; } = new(
        "redis-down", "Redis is stopped", "CaracalRedisErrors",
        async run =>
        {
            run.Held = await Held.TakeAsync(run, StackRoles.Sts, RedisErrors);
            await run.System.Fleet.Redis.StopAsync();
        },
        async run =>
        {
            var held = run.Held!;
            await NothingIsIssuedAsync(run, held);
            await run.NotReadyAsync(StackRoles.Sts, "redis_");
            var ended = await run.System.EndSessionAsync(held.Authority, run.Stop);
            run.Expect("a session can be ended all the same", ended.IsSuccess, $"Coordinator {ended.Status}");
            await run.RaisesAsync(StackRoles.Sts, RedisErrors, held.Figure);
        },
        async run =>
        {
            await run.System.Fleet.Redis.StartAsync(run.Stop);
            await run.WithinAsync("what was ended meanwhile stays ended", async () =>
            {
                var mint = await run.System.MintAsync(run.Held!.Authority, GovernedScopes.Read, run.Stop);
                return (mint.Status == 403, $"mint {mint.Status} {mint["error"]}");
            });
        });

    public static Drill Postgres { get; } = new(
        "postgres-down", "PostgreSQL is stopped", "CaracalPostgresErrors",
        async run =>
        {
            run.Held = await Held.TakeAsync(run, StackRoles.Sts, PostgresErrors);
            await run.System.Fleet.Postgres.StopAsync();
        },
        async run =>
        {
            await NothingIsIssuedAsync(run, run.Held!);
            await run.NotReadyAsync(StackRoles.Sts, "postgres_unreachable");
            await run.NotReadyAsync(StackRoles.Api, "postgres_unreachable");
            await run.RaisesAsync(StackRoles.Sts, PostgresErrors, run.Held!.Figure);
        },
        run => run.System.Fleet.Postgres.StartAsync(run.Stop));

    // A mandate from before is not worth more than the store behind it.
    private static async Task NothingIsIssuedAsync(DrillRun run, Held held)
    {
        var forwarded = run.System.Forwarded;
        await run.WithinAsync("no mandate is issued", async () =>
        {
            var mint = await run.System.MintAsync(held.Authority, GovernedScopes.Read, run.Stop);
            return (mint.Status == 503, $"mint {mint.Status} {mint["error"]}");
        });
        var call = await run.System.CallAsync(held.Mandate, run.Stop);
        run.Expect("a mandate from before is not spent", call.Status is 401 or 403 or 502 or 503, $"call {call.Status} {call["error"]}");
        run.Expect("nothing reaches the upstream", run.System.Forwarded == forwarded, $"{run.System.Forwarded - forwarded} requests");
    }
}

/// <summary>What a drill took before it broke something.</summary>
/// <param name="Authority">A session and a delegation of its own.</param>
/// <param name="Mandate">A mandate of it, not yet spent.</param>
/// <param name="Figure">What the alert's figure was.</param>
internal sealed record Held(AgentAuthority Authority, string Mandate, double Figure)
{
    public static async Task<Held> TakeAsync(DrillRun run, string role, string series)
    {
        var authority = await run.System.NewAuthorityAsync(run.Stop);
        var mandate = (await run.System.MintAsync(authority, GovernedScopes.Read, run.Stop)).Require("mint");
        return new Held(authority, mandate["access_token"], await run.System.SumAsync(role, series, run.Stop));
    }
}
