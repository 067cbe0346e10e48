using System.Diagnostics;
using Caracal.Authority.DecisionContract;
using Caracal.Rego;

namespace Caracal.Authority.Tests.DecisionContract;

/// <summary>A decision leaves no garbage: it allocates its result and nothing else.</summary>
public sealed class DecisionGarbageTests
{
    private static readonly ContractZone Zone = new(1_000);
    private static readonly RegoShape Result = new("decision", "evaluation_status", "determining_policies", "diagnostics");
    private static readonly RegoShape Policy = new("policy");
    private static readonly RegoValue[] One = new RegoValue[1];

    [Theory]
    [InlineData("mint", "caracal-payments-mint")]
    [InlineData("use", "caracal-payments-use")]
    public void An_allowed_request_costs_its_result_alone(string kind, string policy)
    {
        var input = PolicyInput.Build(kind == "mint" ? Zone.MintAllowed : Zone.UseAllowed, Zone.Resource);
        var value = Zone.Decision.Evaluate(input).Value!;
        Assert.Equal(value, Allow(policy));
        var result = Cost(() => Allow(policy), 0) + Envelope();
        Assert.Equal(result, Cost(() => Zone.Decision.Evaluate(input), result));
    }

    [Theory]
    [InlineData("mint", "role_scope_mismatch")]
    [InlineData("use", "mandate_target_mismatch")]
    public void A_denied_request_costs_its_result_alone(string kind, string reason)
    {
        var input = PolicyInput.Build(kind == "mint" ? Zone.MintDenied : Zone.UseDenied, Zone.Resource);
        Assert.Contains(reason, Zone.Decision.Evaluate(input).Value!.ToJson(), StringComparison.Ordinal);
        // The contract's denials are constants, so that all of them share one value.
        Assert.Equal(Envelope(), Cost(() => Zone.Decision.Evaluate(input), Envelope()));
    }

    [Theory]
    [InlineData("allow")]
    [InlineData("deny")]
    public void Explaining_costs_nothing_more(string decision)
    {
        var input = PolicyInput.Build(decision == "allow" ? Zone.MintAllowed : Zone.MintDenied, Zone.Resource);
        var silent = Cost(() => Zone.Decision.Evaluate(input), 0);
        var explanation = new Explanation();
        Assert.Equal(silent, Cost(() => Zone.Decision.Evaluate(input, null, explanation, CancellationToken.None), silent));
        Assert.True(explanation.Count > 10);
    }

    [Fact]
    public void A_thousand_times_the_grants_take_the_same_steps()
    {
        var small = new ContractZone(10);
        var large = new ContractZone(10_000);
        Assert.Equal(Steps(small), Steps(large));

        static long Steps(ContractZone zone) => zone.Decision.Evaluate(PolicyInput.Build(zone.MintAllowed, zone.Resource)).Steps;
    }

    // A result is an envelope around a value; a constant query makes the envelope alone.
    private static long Envelope()
    {
        var constant = Zone.Policy.Prepare("data.caracal.authz.app_ids");
        return Cost(() => constant.Evaluate(null), 0);
    }

    private static RegoValue Allow(string policy)
    {
        var one = Policy.Build(RegoValue.String(new string(policy.AsSpan())));
        One[0] = one;
        return Result.Build(
            RegoValue.Name("allow"), RegoValue.Name("complete"), RegoValue.Array<RegoValue>(One.AsSpan(), static v => v), RegoValue.EmptyArray);
    }

    /// <summary>What one call allocates once its code is compiled for good: the least that is seen, or what is expected.</summary>
    private static long Cost(Func<object> call, long expected)
    {
        const int Calls = 200;
        var least = long.MaxValue;
        var watch = Stopwatch.StartNew();
        while (least > expected && watch.Elapsed < TimeSpan.FromSeconds(expected == 0 ? 0.5 : 10))
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Calls; i++) call();
            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / Calls);
        }

        return least;
    }
}
