using System.Text.Json;
using Caracal.Stack;
using Caracal.Streams.Redis.Upkeep;

namespace Caracal.Cli.Drills;

/// <summary>A part does not hear of another, or hears late.</summary>
internal static class LineDrills
{
    private const int StopSignal = 19;
    private const int ContinueSignal = 18;
    private const int CallsWhilePaused = 5;
    private const string ExchangeErrors = "caracal_gateway_sts_exchange_errors_total";
    private const string OldestPending = "caracal_api_outbox_oldest_pending_age_seconds";

    public static Drill GatewaySts { get; } = new(
        "gateway-sts-cut", "the Gateway does not reach its STS", "CaracalGatewaySTSExchangeErrors",
        async run =>
        {
            run.Held = await Held.TakeAsync(run, StackRoles.Gateway, ExchangeErrors);
            await run.System.Line.CutAsync();
        },
        async run =>
        {
            var forwarded = run.System.Forwarded;
            var mint = await run.System.MintAsync(run.System.Authority, GovernedScopes.Read, run.Stop);
            run.Expect("the STS itself goes on", mint.IsSuccess, $"mint {mint.Status}");
            var call = await run.System.CallAsync(run.Held!.Mandate, run.Stop);
            run.Expect("no call passes the Gateway", call.Status is 502 or 503 or 504, $"call {call.Status} {call["error"]}");
            run.Expect("nothing reaches the upstream", run.System.Forwarded == forwarded, $"{run.System.Forwarded - forwarded} requests");
            await run.NotReadyAsync(StackRoles.Gateway, "sts_un");
            await run.RaisesAsync(StackRoles.Gateway, ExchangeErrors, run.Held!.Figure);
        },
        run =>
        {
            run.System.Line.Join();
            return Task.CompletedTask;
        });

    public static Drill AuditPaused { get; } = new(
        "audit-paused", "Audit takes nothing in", "CaracalAuditPostgresDown",
        async run =>
        {
            await run.System.Fleet.Find(StackRoles.Audit).SignalAsync(StopSignal);
            run.Held = null;
        },
        async run =>
        {
            for (var i = 0; i < CallsWhilePaused; i++) run.Expect("a call is allowed, and its evidence kept", await run.System.TryAllowedAsync(run.Stop));
            run.Expect("the figures of CaracalAuditPostgresDown show it", (await run.System.AskAsync(StackRoles.Audit, "/metrics", run.Stop, TimeSpan.FromSeconds(1))).Status == 0, "audit does not answer a scrape: up == 0");
        },
        run => run.System.Fleet.Find(StackRoles.Audit).SignalAsync(ContinueSignal));

    public static Drill DelayedRevocation { get; } = new(
        "delayed-revocation", "revocations are committed and not published", "CaracalAPIOutboxPendingOldest",
        async run =>
        {
            run.Held = await Held.TakeAsync(run, StackRoles.Api, OldestPending);
            await AclAsync(run, ["ACL", "SETUSER", Publisher.Name, "-xadd"]);
        },
        async run =>
        {
            var held = run.Held!;
            var ended = await run.System.ApiAsync(
                HttpMethod.Post, "/kill-switch", JsonSerializer.Serialize(new { session_id = held.Authority.SessionId, reason = "drill of a delayed revocation" }), run.Stop);
            run.Expect("a session is ended", ended.IsSuccess, $"API {ended.Status} {ended["error"]}");
            var (_, told) = await run.System.AskAsync(StackRoles.Gateway, $"/internal/revocations/{held.Authority.SessionId}", run.Stop);
            run.Expect("the Gateway has not heard of it", told.Contains("\"revoked\":false", StringComparison.Ordinal), told);
            await run.WithinAsync(
                "its mandate is refused all the same",
                async () =>
                {
                    var call = await run.System.CallAsync(held.Mandate, run.Stop);
                    return (call.Status is 401 or 403, $"call {call.Status} {call["error"]}");
                },
                TimeSpan.Zero);
            await run.RaisesAsync(StackRoles.Api, OldestPending, 0);
        },
        async run =>
        {
            await AclAsync(run, Publisher.SetCommand(run.System.Fleet.Files.Secret(Publisher.PasswordVariable)));
            await run.GatewayHearsAsync("the Gateway hears of it", run.Held!.Authority);
        });

    private static RedisUser Publisher => RedisUser.All.First(user => user.Service == StackRoles.Api);

    private static Task AclAsync(DrillRun run, IReadOnlyList<string> command) => run.System.RedisAsync(command, run.Stop);
}
