using Caracal.Cli.Servers;
using Caracal.Stack;

namespace Caracal.EndToEnd.Drills;

/// <summary>
/// What happens to governed calls when a part of the system goes away under load. Each drill prints what was asked, what
/// failed and what was lost, and holds to the same four promises: nothing allowed that should be denied, every answered
/// call in the ledger, recovery without a hand, a chain that verifies.
/// </summary>
[Collection(DrillCollection.Name)]
public sealed class FaultDrills(DrillFleet fleet)
{
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RecoveryTime = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LedgerTime = TimeSpan.FromSeconds(30);

    public static TheoryData<string> Roles => [.. StackRoles.All];

    [Fact]
    [Trait("requirement", "R89")]
    public Task Redis_stops_and_starts() => DrillAsync("redis stop and start", async probe =>
    {
        await fleet.Fleet.Redis.StopAsync();
        probe.Begin();
        await GovernedLoad.RunForAsync(Outage);
        await fleet.Fleet.Redis.StartAsync(CancellationToken.None);
    });

    [Fact]
    public Task PostgreSQL_stops_and_starts() => DrillAsync("postgresql stop and start", async probe =>
    {
        await fleet.Fleet.Postgres.StopAsync();
        probe.Begin();
        await GovernedLoad.RunForAsync(Outage);
        await fleet.Fleet.Postgres.StartAsync(CancellationToken.None);
    });

    [Theory]
    [MemberData(nameof(Roles))]
    public Task A_service_is_killed_and_started_again(string role) => DrillAsync($"kill -9 {role}", async probe =>
    {
        await fleet.Service(role).KillAsync();
        probe.Begin();
        await GovernedLoad.RunForAsync(TimeSpan.FromSeconds(1));
        fleet.Service(role).Start();
    });

    [Fact]
    public Task One_of_two_replicas_of_the_STS_and_of_the_Gateway_is_killed() => DrillAsync("kill -9 one of two sts and gateway", async probe =>
    {
        FleetService[] killed = [fleet.Service(StackRoles.Sts, 1), fleet.Service(StackRoles.Gateway, 1)];
        await Task.WhenAll(killed.Select(service => service.KillAsync()));
        probe.Begin();
        await GovernedLoad.RunForAsync(Outage);
        foreach (var service in killed) service.Start();
    });

    private async Task DrillAsync(string name, Func<RevocationProbe, Task> break_)
    {
        await fleet.RecoverAsync();
        using var probe = await RevocationProbe.PrepareAsync(fleet);
        await using var load = await GovernedLoad.StartAsync(fleet);
        await GovernedLoad.RunForAsync(Before);

        await break_(probe);
        await fleet.RecoverAsync();
        await load.UntilSteadyAsync(RecoveryTime);
        await probe.FinishAsync();
        await load.StopAsync();

        var lost = await fleet.MissingFromLedgerAsync(load.Answered, LedgerTime);
        var broken = await fleet.VerifyChainAsync();
        System.Console.WriteLine(
            $"drill {name}: {load.Requests} requests, failures {load.Describe()}; {load.Answered.Count} answered, {lost.Count} lost; "
            + $"revocation acknowledged after {probe.Acknowledged.TotalMilliseconds:0} ms, then {probe.Denied} denied, {probe.Unanswered} unanswered, "
            + $"{probe.WronglyAllowed.Count} allowed; chain {(broken.Length == 0 ? "verifies" : "BROKEN")}");

        Assert.Empty(load.WronglyAllowed);
        Assert.Empty(probe.WronglyAllowed);
        Assert.True(probe.Denied >= 10, $"only {probe.Denied} calls of the ended Session were judged");
        Assert.Empty(lost);
        Assert.Equal("", broken);
    }
}
