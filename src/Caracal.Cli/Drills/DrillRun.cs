using System.Diagnostics;
using System.Globalization;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Stack;

namespace Caracal.Cli.Drills;

/// <summary>One run of one drill: break, watch, mend, and the same proof of recovery for all of them.</summary>
internal sealed class DrillRun(Drill drill, DrillSystem system, CancellationToken stop)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly List<DrillCheck> checks = [];

    public DrillSystem System => system;

    public CancellationToken Stop => stop;

    /// <summary>What the drill took before it broke something.</summary>
    public Held? Held { get; set; }

    /// <summary>The policy version that was active before another took its place.</summary>
    public string? Remembered { get; set; }

    /// <summary>The Gateway over TLS while it runs so.</summary>
    public SecuredGateway? Secured { get; set; }

    /// <summary>What was looked at so far.</summary>
    public IReadOnlyList<DrillCheck> Checks => checks;

    /// <summary>Runs to the end whatever fails on the way: what is broken must be mended.</summary>
    public async Task<DrillResult> RunAsync()
    {
        var (at, start) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
        long mending;
        try
        {
            await StepAsync("before", async () => Expect("a call is allowed before anything breaks", await system.TryAllowedAsync(stop)));
            await StepAsync("break", () => drill.BreakAsync(this));
            await StepAsync("watch", () => drill.WatchAsync(this));
            mending = Stopwatch.GetTimestamp();
            await StepAsync("mend", () => drill.MendAsync(this));
        }
        finally
        {
            // It is no part of the system, and would outlive it when the drill is broken off.
            if (Secured is not null) await Secured.DisposeAsync();
        }

        await StepAsync("recover", RecoverAsync);
        var recovery = Stopwatch.GetElapsedTime(mending);
        await StepAsync("afterwards", AfterwardsAsync);
        return new DrillResult(drill.Name, drill.Alert, at, Stopwatch.GetElapsedTime(start), recovery, checks);
    }

    public void Expect(string what, bool ok, string detail) => checks.Add(new DrillCheck(what, ok, detail));

    public void Expect(string what, (bool Ok, string Detail) seen) => Expect(what, seen.Ok, seen.Detail);

    /// <summary>Looks again and again until it holds; what it saw last is told when it does not in time.</summary>
    public async Task WithinAsync(string what, Func<Task<(bool Ok, string Detail)>> look, TimeSpan? limit = null)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var (ok, detail) = await look();
            var waited = Stopwatch.GetElapsedTime(start);
            if (ok || waited > (limit ?? Patience))
            {
                Expect(what, ok, string.Create(CultureInfo.InvariantCulture, $"{detail}, after {waited.TotalSeconds:F1} s"));
                return;
            }

            await Task.Delay(Pause, stop);
        }
    }

    /// <summary>A service that is not ready says why, and lives.</summary>
    public async Task NotReadyAsync(string role, string reason)
    {
        await WithinAsync($"{role} says that it is not ready", async () =>
        {
            var (status, body) = await system.AskAsync(role, "/ready", stop);
            return (status == 503 && body.Contains(reason, StringComparison.Ordinal), $"{status} {body}");
        });
        var health = await system.AskAsync(role, "/health", stop);
        Expect($"{role} lives", health.Status == 200, $"/health {health.Status}");
    }

    /// <summary>The Gateway knows that a session has ended.</summary>
    public Task GatewayHearsAsync(string what, AgentAuthority authority) => WithinAsync(what, async () =>
    {
        var (_, told) = await system.AskAsync(StackRoles.Gateway, $"/internal/revocations/{authority.SessionId}", stop);
        return (told.Contains("\"revoked\":true", StringComparison.Ordinal), told);
    });

    /// <summary>The figure that the alert's rule reads has moved.</summary>
    public Task RaisesAsync(string role, string series, double before) => WithinAsync($"the figures of {drill.Alert} show it", async () =>
    {
        var now = await system.SumAsync(role, series, stop);
        return (now > before, string.Create(CultureInfo.InvariantCulture, $"{role}: {series} {now:0.###} (was {before:0.###})"));
    });

    private async Task RecoverAsync()
    {
        try
        {
            await system.Fleet.WaitUntilReadyAsync(system.Fleet.Services, stop);
            Expect("every service is ready again", ok: true, "/ready 200");
        }
        catch (CommandFailure failure)
        {
            Expect("every service is ready again", ok: false, failure.Message);
        }

        await WithinAsync("a call is allowed again", () => system.TryAllowedAsync(stop));
    }

    // Allow, deny, revoke; then nothing waits, nothing is lost, and the chain holds.
    private async Task AfterwardsAsync()
    {
        var denied = await system.MintAsync(system.Narrow, GovernedScopes.Write, stop);
        Expect("a call that is not permitted is denied", denied.Status == 403, $"mint {denied.Status} {denied["error"]}");
        var ended = await system.NewAuthorityAsync(stop);
        var held = (await system.MintAsync(ended, GovernedScopes.Read, stop)).Require("mint");
        await system.EndSessionAsync(ended, stop);
        await GatewayHearsAsync("the Gateway hears of a session that ended", ended);

        // Once: a mandate that was spent is refused as well, and would prove nothing.
        var answer = await system.CallAsync(held["access_token"], stop);
        Expect("a session that ended is refused at the Gateway", answer.Status is 401 or 403, $"call {answer.Status} {answer["error"]}");
        await WithinAsync("no queue holds anything", () => system.NothingWaitsAsync(stop));
        await WithinAsync("every call that was answered is in the ledger", () => system.TryFindEvidenceAsync(stop));
        Expect("the ledger verifies", await system.VerifyLedgerAsync(stop));
    }

    private async Task StepAsync(string name, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            Expect($"the step '{name}' runs to its end", ok: false, Scrubber.Scrub($"{fault.GetType().Name}: {fault.Message}"));
        }
    }
}
