namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>The pairs of checks that enter PostgreSQL and Redis.</summary>
[Collection("users of Redis")] // one server, and each provisioning gives its users other passwords
public sealed class StorePairTests(StoreDeployment stores) : IClassFixture<StoreDeployment>
{
    private const string Slow = "H-RED-1"; // twenty probes in ten seconds

    public static TheoryData<string> Names => [.. StoreFaults.All.Keys];

    [Fact]
    public void Provisioned_stores_pass_every_check()
    {
        var bad = stores.Hardened.Where(check => check.Key.StartsWith("H-PG-", StringComparison.Ordinal) || check.Key.StartsWith("H-RED-", StringComparison.Ordinal))
            .Where(check => check.Value.Status != "ok");
        Assert.Equal("", string.Join('\n', bad.Select(check => $"{check.Key}: {check.Value}")));
    }

    [Theory]
    [Trait("requirement", "R90 (slow Redis)")]
    [MemberData(nameof(Names))]
    public async Task Finds_exactly_the_one_fault(string name)
    {
        var pair = StoreFaults.All[name];
        using var deployment = stores.Copy();
        try
        {
            var isHardening = pair.Check.StartsWith("H-", StringComparison.Ordinal);
            await ComparedPair.AssertAsync(
                pair, deployment, isHardening ? stores.Hardened : stores.Diagnosed,
                isHardening ? () => deployment.HardenAsync(pair.Check == Slow ? "H-TLS-5" : "H-TLS-5," + Slow) : deployment.DoctorAsync);
        }
        finally
        {
            await stores.MendAsync();
        }
    }
}
