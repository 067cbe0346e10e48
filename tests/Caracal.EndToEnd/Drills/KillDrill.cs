using System.Globalization;
using Caracal.Cli.Servers;

namespace Caracal.EndToEnd.Drills;

/// <summary>
/// Any process, killed at any moment under full load, again and again: every call that was answered has exactly one event,
/// and chains and trees verify. <c>CARACAL_DRILL_KILLS=20</c> is the long run.
/// </summary>
[Collection(DrillCollection.Name)]
public sealed class KillDrill(DrillFleet fleet)
{
    private static readonly TimeSpan RecoveryTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LedgerTime = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Every_answered_call_has_one_event_whichever_process_is_killed_at_whatever_moment()
    {
        var kills = int.Parse(Environment.GetEnvironmentVariable("CARACAL_DRILL_KILLS") ?? "3", CultureInfo.InvariantCulture);
        var seed = Environment.TickCount;
        var random = new Random(seed);
        await fleet.RecoverAsync();
        await using var load = await GovernedLoad.StartAsync(fleet, full: true);
        var order = new List<string>();
        while (order.Count < kills)
        {
            foreach (var victim in Shuffled(random).Take(kills - order.Count))
            {
                await GovernedLoad.RunForAsync(TimeSpan.FromMilliseconds(random.Next(500, 2500)));
                order.Add(victim.Name);
                await victim.Kill();
                await GovernedLoad.RunForAsync(TimeSpan.FromMilliseconds(random.Next(0, 1000)));
                await victim.Start();
                await fleet.RecoverAsync();
            }
        }

        await load.UntilSteadyAsync(RecoveryTime);
        await load.StopAsync();
        var lost = await fleet.MissingFromLedgerAsync(load.Answered, LedgerTime);
        var twice = await fleet.ToldTwiceAsync(load.Answered);
        var broken = await fleet.VerifyChainAsync();
        System.Console.WriteLine(
            $"drill {kills} kills (seed {seed}): {string.Join(", ", order)}; {load.Requests} requests, failures {load.Describe()}; "
            + $"{load.Answered.Count} answered, {lost.Count} lost, {twice.Count} told twice; {(broken.Length == 0 ? "chains and trees verify" : "BROKEN")}");

        Assert.Empty(load.WronglyAllowed);
        Assert.Empty(lost);
        Assert.Empty(twice);
        Assert.Equal("", broken);
    }

    private List<Victim> Shuffled(Random random)
    {
        List<Victim> victims =
        [
            .. fleet.Fleet.Services.Select(service => new Victim(service.Name, service.KillAsync, () =>
            {
                service.Start();
                return Task.CompletedTask;
            })),
            new("redis", fleet.Fleet.Redis.KillAsync, () => fleet.Fleet.Redis.StartAsync(CancellationToken.None)),
            new("postgresql", fleet.Fleet.Postgres.KillAsync, () => fleet.Fleet.Postgres.StartAsync(CancellationToken.None)),
        ];
        return [.. victims.OrderBy(_ => random.Next())];
    }

    private sealed record Victim(string Name, Func<Task> Kill, Func<Task> Start);
}
