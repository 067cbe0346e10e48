using Caracal.Cli.Doctor;
using Caracal.Cli.Hardening;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>For every check a pair: a good deployment passes it, and the deployment with exactly that fault does not.</summary>
public sealed class CheckPairTests(LiveDeployment live) : IClassFixture<LiveDeployment>
{
    // Those of stores that the embedded one has not; StorePairTests has them.
    internal const string Stores = "H-PG-1,H-PG-2,H-PG-3,H-RED-1,H-RED-3,H-RED-4,H-RED-5";

    private static readonly Dictionary<string, Pair> Hardening =
        ConfigurationFaults.All.Concat(ObjectFaults.All).Concat(ServiceFaults.All).ToDictionary(StringComparer.Ordinal);

    public static TheoryData<string> HardeningFaults => [.. Hardening.Keys];

    public static TheoryData<string> DoctorFaultNames => [.. DoctorFaults.All.Keys];

    [Fact]
    public void Every_check_has_a_pair()
    {
        var paired = Hardening.Values.Concat(DoctorFaults.All.Values).Concat(StoreFaults.All.Values).Select(pair => pair.Check).ToHashSet(StringComparer.Ordinal);
        var checks = CheckList.All.Select(check => check.Id)
            .Concat(DoctorChecks.System.Concat(DoctorChecks.BeforeStart).Select(check => check.SameAs ?? $"{check.Section} {check.Name}"))
            .ToHashSet(StringComparer.Ordinal);

        Assert.Equal([], checks.Except(paired, StringComparer.Ordinal));
        Assert.Equal([], paired.Except(checks, StringComparer.Ordinal));
    }

    [Fact]
    [Trait("requirement", "R114")]
    public void A_good_deployment_passes_every_check()
    {
        string[] elsewhere = ["H-TLS-5", "H-SEC-6"]; // an https address and a work tree are arranged where they are broken
        string[] stores = ["preflight PostgreSQL login", "preflight Redis login"];
        var bad = live.Hardened.Where(check => !elsewhere.Contains(check.Key)).Concat(live.Diagnosed.Where(check => !stores.Contains(check.Key)))
            .Where(check => check.Value.Status != "ok");
        Assert.Equal("", string.Join('\n', bad.Select(check => $"{check.Key}: {check.Value}")));
    }

    [Theory]
    [Trait("requirement", "R1 (one value, two purposes)")]
    [Trait("requirement", "R11 (secrets in a work tree)")]
    [Trait("requirement", "R14 (agent with the secrets folder)")]
    [Trait("requirement", "R55 (gateway without TLS)")]
    [Trait("requirement", "R63 (KEK in a variable)")]
    [Trait("requirement", "R73 (another streams key)")]
    [Trait("requirement", "R76 (audit key is streams key)")]
    [Trait("requirement", "R103 (bootstrap token in use)")]
    [Trait("requirement", "R115 (one service in dev)")]
    [Trait("requirement", "R116 (audit on a public address)")]
    [Trait("requirement", "R117 (policy that is for other pods)")]
    [Trait("requirement", "R119 (secret in a variable)")]
    [Trait("requirement", "R119 (live value in the objects)")]
    [Trait("requirement", "R122 (Coordinator token is admin token)")]
    [Trait("requirement", "R122 (old Coordinator token)")]
    [Trait("requirement", "R123 (open secret file)")]
    [Trait("requirement", "R124 (STS takes a nonce twice)")]
    [Trait("requirement", "R125 (Gateway calls metadata)")]
    [Trait("requirement", "R126 (Control takes a token twice)")]
    [Trait("requirement", "R131 (journal in memory)")]
    [Trait("requirement", "R148 (private upstreams)")]
    [MemberData(nameof(HardeningFaults))]
    public async Task Harden_finds_exactly_the_one_fault(string name)
    {
        using var deployment = new GoodDeployment(live);
        await ComparedPair.AssertAsync(Hardening[name], deployment, live.Hardened, () => deployment.HardenAsync(Stores));
    }

    [Theory]
    [Trait("requirement", "R28 (Gateway that does not find a key)")]
    [Trait("requirement", "R30 (another instance with another streams key)")]
    [MemberData(nameof(DoctorFaultNames))]
    public async Task Doctor_finds_exactly_the_one_fault(string name)
    {
        using var deployment = new GoodDeployment(live);
        await ComparedPair.AssertAsync(DoctorFaults.All[name], deployment, live.Diagnosed, deployment.DoctorAsync);
    }
}
