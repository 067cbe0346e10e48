using Look = System.Collections.Generic.Dictionary<string, (string Status, bool Evaluated, string Detail)>;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>Looks at a deployment before and after its fault.</summary>
internal static class ComparedPair
{
    /// <param name="pair">What is broken.</param>
    /// <param name="deployment">Where.</param>
    /// <param name="good">How every check of the shared deployment was.</param>
    /// <param name="lookAsync">Looks at every check.</param>
    public static async Task AssertAsync(Pair pair, GoodDeployment deployment, Look good, Func<Task<Look>> lookAsync)
    {
        if (pair.Arrange is not null)
        {
            pair.Arrange(deployment);
            good = await lookAsync();
        }

        Assert.True(good[pair.Check] is ("ok", true, _), good[pair.Check].ToString());
        pair.Break(deployment);
        var broken = await lookAsync();

        var (status, evaluated, detail) = broken[pair.Check];
        Assert.True(status == pair.Status, $"{status}: {detail}");
        Assert.Contains(pair.Says, detail, StringComparison.Ordinal);
        Assert.True(evaluated || pair.Unseen, detail);
        var others = broken.Where(check => check.Key != pair.Check && check.Value.Status == "fail" && good[check.Key].Status != "fail").ToList();
        Assert.True(pair.Also.SequenceEqual(others.Select(check => check.Key).Order(StringComparer.Ordinal)), string.Join('\n', others.Select(check => $"{check.Key}: {check.Value}")));
    }
}
