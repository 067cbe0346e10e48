using Caracal.Cli.Bench;
using Caracal.Cli.Client;

namespace Caracal.EndToEnd;

public sealed class KillSwitchTests
{
    [Fact]
    public async Task After_one_call_nothing_of_the_subject_is_allowed_anywhere()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var upstream = await LoopbackUpstream.StartAsync(remember: false, stop);
        await using var stack = await BenchStack.StartAsync(null, stop);
        using var wire = new WireClient(WireEndpoints.From(stack.Urls));
        var zone = await GovernedZone.CreateAsync(wire, stack.AdminToken, new ZoneBlueprint { Name = "kill", UpstreamUrl = upstream.Url, ApiKey = "key" }, stop);
        await KillSwitchScene.RunAsync([wire], zone, stack.AdminToken, stop);
    }
}
